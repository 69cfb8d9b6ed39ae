"""Limit and sniper orders on the trading desk: placed, waited for, canceled, refused."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.web.browser.conftest import Frames
from tests.web.browser.desk import Desk

LAUNCH = (
    "mutation L($input: LaunchPoolInput!) { launchPool(input: $input) "
    "{ pool { id } userErrors { code message } } }"
)
MINT = "DeskTestMint1111111111111111111111111111111"


@pytest.fixture
def desk(page: Page, frames: Frames) -> Desk:
    return Desk(page).open()


def test_a_limit_order_waits_shows_its_price_and_is_canceled(desk: Desk, frames: Frames) -> None:
    desk.choose("Limit")
    desk.field("Limit price").fill("10000")
    desk.field("Good for").select_option("1 hour")

    id = desk.place()

    expect(desk.row(id)).to_contain_text("Waiting for price")
    expect(desk.row(id)).to_contain_text("≥ 10,000")
    expect(desk.order).to_contain_text(re.compile(r"Best price now 1\d\d\.\d+ USDC/SOL"))
    expect(desk.steps).to_have_count(2)

    desk.row(id).get_by_role("button", name="Cancel").click()

    desk.expect_end("Canceled")
    expect(desk.row(id)).to_contain_text("Canceled")
    expect(desk.row(id).get_by_role("button")).to_have_count(0)
    stored = [e["sequence"] for e in frames.events("orderStatus") if not e["isLive"]]
    assert stored == [1, 2, 3]


def test_a_limit_that_is_met_is_filled_at_once(desk: Desk) -> None:
    desk.choose("Limit")
    desk.field("Limit price").fill("1")

    id = desk.place()

    desk.expect_end("Confirmed")
    expect(desk.row(id)).to_contain_text("Limit")


def test_a_limit_begins_at_the_price_of_the_moment_and_ends_with_the_pair(desk: Desk) -> None:
    expect(desk.ticket.locator("dl")).to_contain_text("Rate")
    desk.choose("Limit")
    expect(desk.field("Limit price")).to_have_value(re.compile(r"^1\d\d\.\d+$"))

    desk.ticket.get_by_role("button", name="Swap sides").click()

    expect(desk.field("Limit price")).to_have_value("")


def test_a_refused_limit_says_why_at_its_field(desk: Desk) -> None:
    desk.choose("Limit")
    desk.field("Limit price").fill("-1")

    desk.submit.click()

    expect(desk.field("Limit price")).to_have_attribute("aria-invalid", "true")
    expect(desk.ticket.get_by_role("alert")).to_have_count(1)


def test_a_cancel_by_another_is_seen(desk: Desk, stack: Stack) -> None:
    desk.choose("Limit")
    desk.field("Limit price").fill("10000")
    id = desk.place()
    cancel = desk.row(id).get_by_role("button", name="Cancel")
    expect(cancel).to_be_enabled()

    stack.ask("mutation C($id: ID!) { cancelOrder(orderId: $id) { replayed } }", id=id)

    desk.expect_end("Canceled")
    expect(cancel).to_have_count(0)


def test_a_sniper_lands_after_the_launch(desk: Desk, stack: Stack) -> None:
    desk.choose("Sniper")
    desk.field("Mint to receive").fill(MINT)

    id = desk.place()

    expect(desk.row(id)).to_contain_text("Waiting for pool")
    launched = stack.ask(
        LAUNCH,
        input={
            **{"venue": "raydium", "mint": MINT, "symbol": "DESK", "decimals": 6},
            **{"quoteToken": "SOL", "reserve": "1000000", "quoteReserve": "1000"},
        },
    )
    assert launched["launchPool"]["userErrors"] == []
    desk.expect_end("Confirmed")
    expect(desk.row(id)).to_contain_text("DESK")
