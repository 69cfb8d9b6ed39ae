"""The pages' sources, by their own tools, and what may be committed of them."""

import json
import subprocess

import pytest

from hatch_build import ROOT, STATIC, WEB, find_node

SCRIPTS = WEB / "node_modules"
needs_packages = pytest.mark.skipif(
    not (SCRIPTS / "vitest").exists(), reason="web/node_modules is not there: make pages"
)


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_node()[0], *arguments], cwd=WEB, capture_output=True, text=True, check=False
    )


@needs_packages
def test_types_are_right() -> None:
    ran = node("node_modules/typescript/bin/tsc", "--noEmit")

    assert (ran.returncode, ran.stdout) == (0, "")


@needs_packages
def test_unit_tests_pass() -> None:
    ran = node("node_modules/vitest/vitest.mjs", "run")

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_lock_names_no_place_to_download_from() -> None:
    text = (WEB / "package-lock.json").read_text()
    lock = json.loads(text)
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert "://" not in text
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if "integrity" not in package] == []


def test_nothing_built_and_nothing_of_others_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()

    assert {"api/static/", "node_modules/"} <= set(ignored)


@pytest.mark.skipif(not (STATIC / "index.html").exists(), reason="the pages are not built")
def test_the_build_holds_the_licences_of_what_is_in_it() -> None:
    bundled = (STATIC / "licences.md").read_text()
    in_workers = (STATIC / "licences-workers.md").read_text()

    for name in ("preact", "graphql-ws", "graphiql", "react"):
        assert f"## {name}" in bundled
    assert "## monaco-editor" in in_workers
    assert in_workers.count("Permission is hereby granted") >= 8
