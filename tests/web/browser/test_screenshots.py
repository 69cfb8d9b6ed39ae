"""Pictures of both pages as they are, for the README: `make screenshots` keeps them."""

import os
import re
import time
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.stack import Stack
from tests.web.browser.desk import Desk
from tests.web.browser.test_graphiql import GraphiQL

MOST_BYTES = 300_000
LIMIT_ORDER = """mutation {
  placeLimitOrder(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "2", limitPrice: "151"}) {
    order { id }
  }
}"""
SIZE: ViewportSize = {"width": 1280, "height": 1000}


@pytest.fixture(scope="session")
def folder(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go. Those that are kept are taken once the market has moved for a while."""
    if "SCREENSHOTS" not in os.environ:
        return tmp_path_factory.mktemp("screenshots")
    time.sleep(90)
    return Path(os.environ["SCREENSHOTS"])


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_picture_of_the_desk(
    page: Page, stack: Stack, folder: Path, scheme: Literal["dark", "light"]
) -> None:
    for n in range(3):
        stack.place(amount=f"{n + 1}.5")
    stack.wait_for(stack.place(simulate={"quoteFailures": 3}), "FAILED")
    limit = stack.ask(LIMIT_ORDER)["placeLimitOrder"]["order"]["id"]
    page.set_viewport_size(SIZE)
    page.emulate_media(color_scheme=scheme)
    desk = Desk(page).open()
    desk.field("Amount").fill("2.5")
    desk.place()
    desk.expect_end("Confirmed")
    expect(desk.ticket.locator("dl")).to_contain_text("Receive about")

    keep(page, folder / f"desk-{scheme}.png")
    stack.ask("mutation C($id: ID!) { cancelOrder(orderId: $id) { replayed } }", id=limit)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_picture_of_graphiql(
    page: Page, stack: Stack, folder: Path, scheme: Literal["dark", "light"]
) -> None:
    stack.wait_for(stack.place(), "CONFIRMED")
    page.set_viewport_size(SIZE)
    page.emulate_media(color_scheme=scheme)
    graphiql = GraphiQL(page).open()
    graphiql.tab("CompareVenues")
    graphiql.run()
    expect(page.locator(".graphiql-response")).to_contain_text(re.compile("amountOut"))

    keep(page, folder / f"graphiql-{scheme}.png")


def keep(page: Page, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.screenshot(path=path)
    assert path.stat().st_size < MOST_BYTES
