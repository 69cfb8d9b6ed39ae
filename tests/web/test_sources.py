"""What may be committed of the pages."""

import json

from hatch_build import ROOT, WEB


def test_the_lock_names_no_place_to_download_from() -> None:
    text = (WEB / "package-lock.json").read_text()
    lock = json.loads(text)
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert "://" not in text
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if "integrity" not in package] == []


def test_nothing_built_and_nothing_of_others_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()

    assert {"api/static/", "node_modules/", "web/generated/"} <= set(ignored)
