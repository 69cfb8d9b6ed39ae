"""What needs the pages' packages is left out, with one line, where npm could not fetch them."""

import os

import pytest

from hatch_build import STATIC, WEB

_THERE = (STATIC / "index.html").exists() and (WEB / "node_modules" / "vitest").exists()
if not _THERE and os.environ.get("BROWSER_TESTS") == "required":
    raise pytest.UsageError("The pages' tests are required, but they are not built: make pages")

collect_ignore = [] if _THERE else ["test_packages.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _THERE:
        terminalreporter.line("The pages' own tests were left out: they are not built: make pages")
