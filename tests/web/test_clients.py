"""The clients' lock file pins by hash, and leaves it to npm where packages come from."""

import json
from pathlib import Path

LOCK = Path(__file__).parent / "clients" / "package-lock.json"


def test_the_lock_names_no_place_to_download_from() -> None:
    text = LOCK.read_text()
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}

    assert "://" not in text
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if "integrity" not in package] == []
