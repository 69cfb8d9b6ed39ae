"""The trading desk when its server goes away, and when much happens at once."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack, wait_until
from tests.web.browser.conftest import Frames, Watch
from tests.web.browser.desk import Desk

pytestmark = pytest.mark.timeout(300)

# An order lives about 12 s, so that a restart fits in.
SLOW: dict[str, Any] = {"ORDER_ENGINE_SLOT_MS": "400", "ORDER_ENGINE_CONFIRMATION_SLOTS": "30"}

MOST_CPU_SECONDS = 3  # of the page's main thread, for a hundred orders and all that follows


@pytest.fixture(scope="module")
def slow() -> Iterator[Stack]:
    with Stack(**SLOW) as slow:
        yield slow


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_server_restarted_mid_order_leaves_no_gap(
    page: Page, frames: Frames, watch: Watch, slow: Stack, how: signal.Signals
) -> None:
    watch.expected.append("WebSocket connection to")
    page.goto(slow.url.removesuffix("graphql"))
    desk = Desk(page)
    desk.expect_live()
    id = desk.place()
    expect(desk.steps.last).to_contain_text("Submitted")

    slow.child("api").send_signal(how)

    expect(page.get_by_role("status")).to_contain_text("Reconnecting")
    expect(desk.submit).to_be_disabled()
    expect(desk.submit).to_have_text("Reconnecting…")
    desk.expect_live()
    desk.expect_end("Confirmed")
    expect(desk.submit).to_be_enabled()
    expect(desk.row(id)).to_contain_text("Confirmed")
    expect(desk.toast(id)).to_contain_text("Confirmed")
    assert frames.sequences(id) == [1, 2, 3, 4, 5]
    assert [asked["after"] for asked in frames.subscriptions("orderStatus")] == [0, 4]


def test_a_hundred_orders_at_once_stay_smooth(page: Page, frames: Frames, stack: Stack) -> None:
    desk = Desk(page).open()
    expect(desk.page.get_by_role("table", name="Quotes compared")).to_be_visible()
    cpu = Cpu(page)

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda n: stack.place(amount=f"0.{n + 100}"), range(100)))

    expect(page.get_by_role("log")).to_contain_text("more")
    wait_until(lambda: page.wait_for_timeout(100) or confirmed(frames) >= set(ids))
    shown = sorted(ids, reverse=True)[:20]
    for id in shown:
        expect(desk.row(id)).to_contain_text("Confirmed")
    assert [row.get_attribute("data-order") for row in desk.rows.all()] == shown
    assert page.locator("[data-toast]").count() <= 3
    for id in ids:
        sequences = [e["sequence"] for e in frames.events("orderEvents") if e["order"]["id"] == id]
        assert sequences == sorted(set(sequences))
    assert 0 < cpu.seconds() < MOST_CPU_SECONDS
    expect(page.locator(".toast")).to_have_count(0)


def confirmed(frames: Frames) -> set[str]:
    orders = [event["order"] for event in frames.events("orderEvents")]
    return {order["id"] for order in orders if order["status"] == "CONFIRMED"}


class Cpu:
    """What a page's main thread has worked, whatever else the machine is at."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._before = self._now()

    def seconds(self) -> float:
        return self._now() - self._before

    def _now(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))
