"""The trading desk's ticket, used as a trader would, on the real stack."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack, wait_until
from tests.web.browser.conftest import Frames
from tests.web.browser.desk import Desk

LIFE = ["Pending", "Routing", "Building", "Submitted", "Confirmed"]


@pytest.fixture
def desk(page: Page, frames: Frames) -> Desk:
    # After `frames`, so that those see the socket from its first message.
    return Desk(page)


def test_an_order_by_mouse_is_followed_to_confirmed(desk: Desk, frames: Frames) -> None:
    desk.open()
    desk.field("Pay").select_option("SOL")
    desk.field("Receive").select_option("USDC")
    desk.field("Amount").fill("1.5")
    expect(desk.ticket.get_by_role("table", name="Quotes compared")).to_contain_text("best")

    id = desk.place()

    desk.expect_end("Confirmed")
    assert [s.strip() for s in desk.steps.locator(".status").all_inner_texts()] == LIFE
    expect(desk.steps.last).to_contain_text(re.compile(r"Received \d+\.\d+ USDC at"))
    expect(desk.row(id)).to_contain_text("Confirmed")
    expect(desk.toast(id)).to_contain_text("Confirmed")
    assert frames.sequences(id) == [1, 2, 3, 4, 5]
    assert frames.sockets == 1


def test_an_order_by_keyboard_is_followed_to_confirmed(desk: Desk, page: Page) -> None:
    desk.open()
    focused = "document.activeElement.name || document.activeElement.textContent"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "amount":
            break
    page.keyboard.press("Control+A")
    page.keyboard.type("2")
    before = page.url
    page.keyboard.press("Enter")

    id = desk.placed_after(before)

    desk.expect_end("Confirmed")
    link = desk.row(id).get_by_role("link")
    for _ in range(80):
        page.keyboard.press("Tab")
        if link.evaluate("element => element === document.activeElement"):
            break
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(desk.row(id)).to_have_attribute("aria-current", "true")


def test_a_refused_order_says_why_at_the_field(desk: Desk, stack: Stack) -> None:
    newest = "{ orders(first: 1) { nodes { id } } }"
    before = stack.ask(newest)
    desk.open()
    desk.field("Amount").fill("1e5")

    desk.submit.click()

    expect(desk.field("Amount")).to_have_attribute("aria-invalid", "true")
    described = desk.field("Amount").get_attribute("aria-describedby")
    message = desk.page.locator(f"#{described}")
    expect(message).to_have_text(re.compile("An amount is a plain decimal such as 1.5"))
    expect(message).to_have_role("alert")
    assert stack.ask(newest) == before

    desk.field("Amount").fill("1")
    desk.place()
    expect(desk.field("Amount")).not_to_have_attribute("aria-invalid", "true")
    desk.expect_end("Confirmed")


def test_slippage_is_warned_of_and_refused_at_its_field(desk: Desk) -> None:
    desk.open()
    own = desk.field("Own slippage")
    own.fill("5")
    expect(desk.ticket.locator(".warn")).to_contain_text("far less than quoted")
    own.fill("0.05")
    expect(desk.ticket.locator(".warn")).to_contain_text("slightest move")
    desk.ticket.get_by_role("radio", name="1 %", exact=True).check()
    expect(own).to_have_value("1")
    expect(desk.ticket.locator(".warn")).to_have_count(0)

    own.fill("99")
    desk.submit.click()

    expect(own).to_have_attribute("aria-invalid", "true")
    expect(desk.ticket.get_by_role("alert")).to_contain_text("lippage")


def test_a_failed_order_shows_each_attempt_and_its_reason(desk: Desk, frames: Frames) -> None:
    desk.open()
    desk.option("Failed quotes").fill("3")

    id = desk.place()

    desk.expect_end("Failed")
    attempts = desk.steps.locator(".attempt").all_inner_texts()
    assert attempts == ["Attempt 1", "Attempt 2", "Attempt 3", "Attempt 3"]
    reasons = desk.steps.locator(".bad code").all_inner_texts()
    assert reasons == ["VENUE_UNAVAILABLE"] * 3
    expect(desk.steps.last).to_contain_text("did not answer")
    expect(desk.toast(id)).to_contain_text("Failed")
    assert frames.sequences(id) == [1, 2, 3, 4, 5]


def test_a_fault_overcome_is_told_too(desk: Desk) -> None:
    desk.open()
    desk.option("Dropped transactions").fill("1")
    desk.option("Receive at least").fill("1")

    desk.place()

    desk.expect_end("Confirmed")
    expect(desk.steps.locator(".bad code")).to_have_text(["TRANSACTION_DROPPED"])
    expect(desk.steps.last).to_contain_text("Attempt 2")


def test_the_least_to_receive_holds(desk: Desk) -> None:
    desk.open()
    desk.option("Receive at least").fill("999999")

    desk.place()

    desk.expect_end("Failed")
    assert set(desk.steps.locator(".bad code").all_inner_texts()) == {"SLIPPAGE_EXCEEDED"}


def test_a_venue_left_out_is_not_asked(desk: Desk, frames: Frames) -> None:
    desk.open()
    expect(desk.ticket.get_by_role("rowheader", name="Meteora")).to_be_visible()
    desk.option("Meteora").uncheck()

    expect(desk.ticket.get_by_role("rowheader", name="Meteora")).to_have_count(0)
    id = desk.place()

    desk.expect_end("Confirmed")
    expect(desk.row(id)).to_contain_text("Raydium")


def test_quotes_stay_up_to_date_by_a_stream(desk: Desk, frames: Frames) -> None:
    desk.open()
    desk.field("Amount").fill("3")
    expect(desk.ticket.locator("dl")).to_contain_text("Receive about")

    wait_until(lambda: desk.page.wait_for_timeout(50) or len(frames.events("quotes")) >= 2)

    assert frames.subscriptions("quotes(")[-1]["input"]["amount"] == "3"
    desk.field("Amount").fill("0")
    expect(desk.ticket.locator(".quote")).to_contain_text("No quote:")


def test_sides_are_swapped_and_never_the_same(desk: Desk) -> None:
    desk.open()
    pay, receive = desk.field("Pay"), desk.field("Receive")

    desk.ticket.get_by_role("button", name="Swap sides").click()
    expect(pay).to_have_value("USDC")
    expect(receive).to_have_value("SOL")

    receive.select_option("USDC")
    expect(pay).to_have_value("SOL")
    expect(desk.ticket.locator("dl")).to_contain_text(re.compile(r"1 SOL = 1\d\d\.\d+ USDC"))
