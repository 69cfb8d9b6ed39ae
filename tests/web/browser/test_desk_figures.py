"""Figures, names and signs of the desk: right, short, and whole on hover."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.e2e.stack import Stack, wait_until
from tests.web.browser.conftest import Frames
from tests.web.browser.desk import Desk

# 32 bytes in base58 that begin like a symbol everybody knows.
STRANGER = "USDC" + "2" * 39
LAUNCHED = "JUPX" + "3" * 39

LAUNCH = (
    "mutation L($input: LaunchPoolInput!) { launchPool(input: $input) { userErrors { code } } }"
)
PLACE = (
    "mutation P($input: PlaceLimitOrderInput!) "
    "{ placeLimitOrder(input: $input) { order { id } userErrors { code } } }"
)

# A chart is a picture: what it writes is heard of where it is drawn.
LISTEN = """
    window.drawn = [];
    const draw = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        window.drawn.push(String(text));
        return draw.call(this, text, ...rest);
    };
"""


@pytest.fixture
def desk(page: Page, frames: Frames) -> Desk:
    return Desk(page)


def prices_drawn(page: Page) -> set[str]:
    drawn: list[str] = page.evaluate("window.drawn.splice(0)")
    return {text for text in drawn if re.fullmatch(r"[−-]?[\d,]+\.\d+", text)}


def test_the_axis_of_a_small_price_is_free_of_binary_noise(desk: Desk, page: Page) -> None:
    page.add_init_script(LISTEN)
    desk.open()
    desk.field("Receive").select_option("BONK")
    expect(page.locator(".chart h2")).to_have_text("BONK/SOL")
    expect(page.locator(".chart .price")).to_have_text(re.compile(r"^0\.0000\d{2,6}$"))
    seen: set[str] = set()

    def small() -> bool:
        page.wait_for_timeout(100)
        seen.update(text for text in prices_drawn(page) if text.startswith("0.0000"))
        return len(seen) >= 3

    wait_until(small)
    # Six zeros and four digits: BONK is worth a ten-millionth of SOL, near enough.
    assert {len(text.partition(".")[2]) for text in seen} == {10}


@pytest.fixture
def shuffled(page: Page) -> list[int]:
    """Candles as no chart may have them: each twice and the newest first. Return their numbers."""
    counts: list[int] = []

    def shuffle(message: str | bytes) -> str:
        said: dict[str, Any] = json.loads(message)
        data = (said.get("payload") or {}).get("data") if said["type"] == "next" else None
        if data and data.get("candles"):
            data["candles"] = data["candles"][::-1] * 2
            counts.append(len(data["candles"]))
        return json.dumps(said)

    def between(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: socket.send(shuffle(message)))

    page.route_web_socket(re.compile("/graphql$"), between)
    return counts


def test_candles_out_of_order_are_drawn(desk: Desk, page: Page, shuffled: list[int]) -> None:
    page.add_init_script(LISTEN)
    desk.open()

    wait_until(lambda: page.wait_for_timeout(100) or len(shuffled) >= 3)

    expect(page.locator(".chart .price")).to_be_visible()
    wait_until(lambda: page.wait_for_timeout(100) or len(prices_drawn(page)) >= 3)


def test_a_price_is_short_and_whole_on_hover(desk: Desk) -> None:
    desk.open()
    rate = desk.ticket.locator("dd", has_text="1 SOL =").locator("[title]")

    expect(rate).to_have_text(re.compile(r"^1\d\d\.\d{1,4}$"))
    expect(rate).to_have_attribute("title", re.compile(r"^1\d\d\.\d{5,}$"))
    price = desk.ticket.get_by_role("table").locator("tbody tr").first.locator("td").first
    expect(price).to_have_text(re.compile(r"^1\d\d(\.\d{1,4})?$"))


def amount(desk: Desk) -> None:
    desk.field("Amount").fill("1")


def sides(desk: Desk) -> None:
    desk.ticket.get_by_role("button", name="Swap sides").click()


@pytest.mark.parametrize("correct", [amount, sides])
def test_an_error_goes_once_its_amount_is_corrected(
    desk: Desk, correct: Callable[[Desk], None]
) -> None:
    desk.open()
    desk.field("Amount").fill("1e5")
    desk.submit.click()
    expect(desk.ticket.get_by_role("alert")).to_have_count(1)

    correct(desk)

    expect(desk.ticket.get_by_role("alert")).to_have_count(0)
    expect(desk.field("Amount")).not_to_have_attribute("aria-invalid", "true")


def test_an_error_stays_while_only_something_else_is_changed(desk: Desk) -> None:
    desk.open()
    desk.field("Own slippage").fill("99")
    desk.submit.click()
    expect(desk.ticket.get_by_role("alert")).to_have_count(1)

    desk.field("Amount").fill("2")
    expect(desk.ticket.get_by_role("alert")).to_have_count(1)

    desk.ticket.get_by_role("radio", name="1 %", exact=True).check()
    expect(desk.ticket.get_by_role("alert")).to_have_count(0)


def test_an_error_about_no_field_goes_with_any_change(desk: Desk) -> None:
    desk.open()
    for venue in ("Raydium", "Meteora"):
        desk.option(venue).uncheck()
    desk.submit.click()
    expect(desk.ticket.get_by_role("alert")).to_have_count(1)

    desk.option("Raydium").check()

    expect(desk.ticket.get_by_role("alert")).to_have_count(0)


def test_a_mint_that_begins_like_a_symbol_is_shown_as_a_mint(desk: Desk) -> None:
    desk.open()
    desk.choose("Sniper")
    desk.field("Mint to receive").fill(STRANGER)

    id = desk.place()

    for place in (desk.row(id), desk.order, desk.toast(id)):
        expect(place).to_contain_text("SOL → USDC…2222")
    expect(desk.row(id).get_by_title(STRANGER)).to_have_text("USDC…2222")
    desk.row(id).get_by_role("button", name="Cancel").click()
    desk.expect_end("Canceled")


def test_a_launched_token_has_its_symbol_without_a_reload(desk: Desk, stack: Stack) -> None:
    desk.open()
    desk.choose("Sniper")
    desk.field("Mint to receive").fill(LAUNCHED)
    id = desk.place()
    expect(desk.row(id)).to_contain_text("JUPX…3333")

    token = {"mint": LAUNCHED, "symbol": "SHOWN", "decimals": 6, "venue": "raydium"}
    pool = {"quoteToken": "SOL", "reserve": "1000000", "quoteReserve": "1000"}
    assert stack.ask(LAUNCH, input=token | pool)["launchPool"]["userErrors"] == []

    desk.expect_end("Confirmed")
    expect(desk.row(id)).to_contain_text("SHOWN")
    expect(desk.order).to_contain_text("SHOWN/SOL")
    desk.choose("Market")
    desk.field("Receive").select_option("SHOWN")
    expect(desk.page.locator(".chart h2")).to_have_text("SHOWN/SOL")


def test_an_expired_order_has_a_drawn_sign(desk: Desk, stack: Stack) -> None:
    desk.open()
    soon = datetime.now(UTC) + timedelta(seconds=1)
    swap = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1", "limitPrice": "10000"}
    placed = stack.ask(PLACE, input=swap | {"expiresAt": soon.isoformat()})
    id = placed["placeLimitOrder"]["order"]["id"]

    expect(desk.row(id).locator(".status")).to_have_text("Expired")
    sign = desk.row(id).locator(".status svg")
    expect(sign).to_be_visible()
    box = sign.bounding_box()
    assert box is not None
    assert box["width"] == box["height"] > 10
