"""The plain page, from a copy of the packages in which no pages were ever built."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from hatch_build import ROOT
from tests.e2e.stack import Stack
from tests.web.browser.conftest import Frames

PACKAGES = ("alembic", "api", "cli", "engine", "models", "tasks")
LEFT_OUT = shutil.ignore_patterns("static", "__pycache__")


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    source = tmp_path_factory.mktemp("unbuilt")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=LEFT_OUT)
    shutil.copy(ROOT / "alembic.ini", source)
    with Stack(source=source) as stack:
        yield stack


def choose(page: Page, example: str, kind: str) -> None:
    page.get_by_role("button", name=example).click()
    expect(page.get_by_label("Operation")).to_have_value(re.compile(rf"^{kind} {{"))


def test_it_says_why_and_runs_every_kind_of_operation(
    page: Page, frames: Frames, unbuilt: Stack
) -> None:
    page.goto(unbuilt.url.removesuffix("graphql"))
    expect(page.get_by_text("The pages were not built")).to_be_visible()
    answer = page.get_by_label("Answer")

    choose(page, "Compare venues", "query")
    page.get_by_role("button", name="Run").click()
    expect(answer).to_contain_text('"compared"')

    choose(page, "Place an order", "mutation")
    page.get_by_role("button", name="Run").click()
    expect(answer).to_contain_text('"userErrors": []')

    choose(page, "Follow the newest order", "subscription")
    page.get_by_role("button", name="Run").click()
    expect(answer).to_contain_text("CONFIRMED")
    expect(answer).to_contain_text("complete")
    assert [event["sequence"] for event in frames.events("orderStatus")] == [1, 2, 3, 4, 5]


def test_a_browser_meets_it_instead_of_graphiql_too(page: Page, unbuilt: Stack) -> None:
    page.goto(unbuilt.url)

    expect(page.get_by_text("The pages were not built")).to_be_visible()


def test_the_start_says_that_the_pages_are_missing(unbuilt: Stack) -> None:
    said = unbuilt.said()

    assert "pages.not_built" in said
    assert "The trading desk is at" not in said
    assert "The pages were not built" in said.partition("GraphQL is at")[0]
