"""The audits' lock file pins by hash, and leaves it to npm where packages come from."""

from pathlib import Path

LOCK = Path(__file__).parent / "package-lock.json"


def test_the_lock_names_no_place_to_download_from() -> None:
    text = LOCK.read_text()

    assert "resolved" not in text
    assert "://" not in text
    assert text.count('"integrity": "sha512-') == text.count('"node_modules/') == 2
