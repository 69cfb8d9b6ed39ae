"""The pages by their own tools, and what was built: left out where npm had no packages to give."""

import subprocess

from hatch_build import STATIC, WEB, find_node


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_node()[0], *arguments], cwd=WEB, capture_output=True, text=True, check=False
    )


def test_types_are_right() -> None:
    made = node("build/operation-types.js")
    assert (made.returncode, made.stderr) == (0, "")

    ran = node("node_modules/typescript/bin/tsc", "--noEmit")

    assert (ran.returncode, ran.stdout) == (0, "")


def test_unit_tests_pass() -> None:
    ran = node("node_modules/vitest/vitest.mjs", "run")

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_build_holds_the_licences_of_what_is_in_it() -> None:
    bundled = (STATIC / "licences.md").read_text()
    in_workers = (STATIC / "licences-workers.md").read_text()

    for name in ("preact", "graphql-ws", "graphiql", "react"):
        assert f"## {name}" in bundled
    assert "## monaco-editor" in in_workers
    assert in_workers.count("Permission is hereby granted") >= 8
