"""The trading desk around its ticket: chart, addresses, the list of orders, themes, access."""

import re
from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.web.browser.conftest import Frames, Watch
from tests.web.browser.desk import Desk


@pytest.fixture
def desk(page: Page, frames: Frames) -> Desk:
    # After `frames`, so that those see the socket from its first message.
    return Desk(page)


def test_the_chart_shows_the_pair_and_its_price(desk: Desk, frames: Frames) -> None:
    desk.open()
    chart = desk.page.locator(".chart")
    expect(chart.get_by_role("heading")).to_have_text("SOL/USDC")
    chart.get_by_role("radio", name="1 m").check()
    expect(chart.locator(".price")).to_have_text(re.compile(r"^1\d\d\.\d+$"))
    expect(chart.locator("canvas").first).to_be_visible()

    desk.field("Receive").select_option("BONK")

    expect(chart.get_by_role("heading")).to_have_text("BONK/SOL")
    asked = frames.subscriptions("candles(")
    assert asked[0] == {"tokenIn": "SOL", "tokenOut": "USDC", "intervalSeconds": 5, "last": 120}
    pairs = {(variables["tokenIn"], variables["tokenOut"]) for variables in asked}
    assert pairs == {("SOL", "USDC"), ("BONK", "SOL")}


def test_an_address_leads_to_an_order(desk: Desk, stack: Stack) -> None:
    id = stack.place(amount="0.25")
    stack.wait_for(id, "CONFIRMED")

    desk.open(f"#order={id}")

    desk.expect_end("Confirmed")
    expect(desk.steps).to_have_count(5)
    expect(desk.order).to_contain_text(id)


def test_an_address_of_no_order_says_so(desk: Desk) -> None:
    desk.open("#order=00000000-0000-0000-0000-000000000000")

    expect(desk.order.get_by_role("alert")).to_have_text("There is no order of this id.")


def test_orders_of_others_appear_and_are_followed(desk: Desk, stack: Stack) -> None:
    desk.open()
    expect(desk.page.get_by_role("button", name="Older")).to_be_visible()

    id = stack.place(amount="0.5")

    expect(desk.toast(id)).to_be_visible()
    expect(desk.row(id)).to_contain_text("Confirmed")
    expect(desk.toast(id)).to_contain_text("Confirmed")
    expect(desk.toast(id)).to_have_count(0)  # 8 s after its end


def test_filters_and_pages(desk: Desk, stack: Stack) -> None:
    placed = [stack.place(amount=f"0.{n + 10}") for n in range(25)]
    failed = stack.place(minAmountOut="999999")
    stack.wait_for(placed[-1], "CONFIRMED")
    stack.wait_for(failed, "FAILED")
    desk.open()
    expect(desk.rows).to_have_count(20)

    desk.page.get_by_role("radio", name="Not filled").check()
    expect(desk.rows.first).to_have_attribute("data-order", failed)
    expect(desk.rows.locator(".status.good")).to_have_count(0)

    desk.page.get_by_role("radio", name="Filled", exact=True).check()
    expect(desk.rows.first).to_have_attribute("data-order", placed[-1])
    expect(desk.rows.locator(".status.good")).to_have_count(20)

    desk.page.get_by_role("button", name="Older").click()
    expect(desk.page.get_by_text("Page 2")).to_be_visible()
    expect(desk.row(placed[4])).to_be_visible()
    expect(desk.row(placed[5])).to_have_count(0)
    desk.page.get_by_role("button", name="Newer").click()
    expect(desk.rows.first).to_have_attribute("data-order", placed[-1])


def test_a_theme_is_kept(desk: Desk, page: Page, watch: Watch) -> None:
    page.emulate_media(color_scheme="dark")
    desk.open()
    page.get_by_role("button", name="Light theme").click()

    watch.settle(page)
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    keys = page.evaluate("Object.keys(localStorage)")
    assert keys == ["order-engine:desk:theme"]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(
    desk: Desk,
    page: Page,
    scheme: Literal["dark", "light"],
    width: int,
    axe: Callable[[Page], list[str]],
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    desk.open()
    desk.option("Receive at least").fill("999999")
    desk.place()
    desk.expect_end("Failed")
    desk.field("Amount").fill("1e5")
    desk.submit.click()
    expect(desk.field("Amount")).to_have_attribute("aria-invalid", "true")

    for type in ("Market", "Limit", "Sniper"):
        desk.choose(type)
        assert axe(page) == []


def test_a_phone_has_one_column_with_the_ticket_first(desk: Desk, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    desk.open()

    expect(desk.ticket.locator("dl")).to_contain_text("Receive about")
    expect(desk.page.locator(".chart .price")).to_be_visible()

    corners = page.locator(".panel").evaluate_all(
        "panels => panels.map(panel => panel.getBoundingClientRect()).map(({x, y}) => [y, x])"
    )
    ticket = desk.ticket.bounding_box()
    assert ticket is not None
    assert min(corners) == [ticket["y"], ticket["x"]]
    assert len({x for _, x in corners}) == 1
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0


def test_the_first_load_is_small(desk: Desk, page: Page) -> None:
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    loaded: list[float] = []
    client.on("Network.loadingFinished", lambda done: loaded.append(done["encodedDataLength"]))

    desk.open()

    assert sum(loaded) > 10_000
    assert sum(loaded) < 120_000
