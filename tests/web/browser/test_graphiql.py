"""GraphiQL: the example tabs run as they stand, in their order, with nothing from elsewhere."""

import json
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, Response, expect

from tests.e2e.stack import Stack, wait_until
from tests.web.browser.conftest import Frames, Watch

TABS = [
    "PlaceMarketOrder",
    "FollowOrder",
    "History",
    "CompareVenues",
    "PlaceLimitOrder",
    "CancelOrder",
]
SETTLE_MS = 400  # GraphiQL swaps the editors' texts a moment after the tab


class GraphiQL:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> "GraphiQL":
        self.page.goto("/graphql")
        expect(self.page.get_by_role("tab").first).to_be_visible()
        expect(self.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
        return self

    def expect_workers(self) -> None:
        """Wait until Monaco's three workers are there."""
        kinds = {"editor", "graphql", "json"}
        found = re.compile(r"/(\w+)\.worker-")

        def there() -> bool:
            self.page.wait_for_timeout(100)
            return {found.findall(worker.url)[0] for worker in self.page.workers} == kinds

        wait_until(there)

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()
        self.page.wait_for_timeout(SETTLE_MS)

    def run(self) -> None:
        self.page.get_by_role("button", name=re.compile("^Execute query")).click()

    def answer(self) -> dict[str, Any]:
        """Run a query or mutation; return its data."""
        with self.page.expect_response("**/graphql") as caught:
            self.run()
        response: Response = caught.value
        body: dict[str, Any] = response.json()
        assert "errors" not in body
        return body["data"]


@pytest.fixture
def graphiql(page: Page, frames: Frames) -> GraphiQL:
    return GraphiQL(page)


def test_the_tabs_are_a_tour_in_order(graphiql: GraphiQL) -> None:
    graphiql.open()

    names = graphiql.page.get_by_role("tab").all_inner_texts()
    assert [name.strip() for name in names] == TABS


def test_an_order_is_placed_and_followed_from_its_first_event(
    graphiql: GraphiQL, frames: Frames
) -> None:
    graphiql.open()
    placed = graphiql.answer()["executeMarketOrder"]
    assert placed["userErrors"] == []
    id = placed["order"]["id"]
    graphiql.tab("FollowOrder")
    expect(graphiql.page.locator(".graphiql-editor-tool")).to_contain_text(id)

    graphiql.run()

    expect(graphiql.page.locator(".graphiql-response")).to_contain_text("CONFIRMED")
    events = frames.events("orderStatus")
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert events[-1]["status"] == "CONFIRMED"
    wait_until(
        lambda: graphiql.page.wait_for_timeout(50) or frames.received[-1]["type"] == "complete"
    )


def test_a_newer_order_takes_the_place_of_the_one_filled_in(
    graphiql: GraphiQL, stack: Stack
) -> None:
    first = stack.place(amount="0.3")
    graphiql.open()
    variables = graphiql.page.locator(".graphiql-editor-tool")
    graphiql.tab("FollowOrder")
    expect(variables).to_contain_text(first)
    graphiql.tab("History")
    second = stack.place(amount="0.4")

    graphiql.tab("FollowOrder")

    expect(variables).to_contain_text(second)


def test_history_and_quotes_run_as_they_stand(graphiql: GraphiQL, stack: Stack) -> None:
    stack.wait_for(stack.place(), "CONFIRMED")
    graphiql.open()
    graphiql.tab("History")
    orders = graphiql.answer()["orders"]
    assert 1 <= len(orders["nodes"]) <= 5
    assert {order["status"] for order in orders["nodes"]} <= {"CONFIRMED", "FAILED"}

    graphiql.tab("CompareVenues")
    quote = graphiql.answer()["quote"]["quote"]

    assert {answer["venue"]["name"] for answer in quote["compared"]} == {"Meteora", "Raydium"}


def test_a_limit_order_waits_and_is_canceled(graphiql: GraphiQL) -> None:
    graphiql.open()
    graphiql.tab("PlaceLimitOrder")
    placed = graphiql.answer()["placeLimitOrder"]
    assert placed["userErrors"] == []
    graphiql.tab("CancelOrder")
    expect(graphiql.page.locator(".graphiql-editor-tool")).to_contain_text(placed["order"]["id"])

    canceled = graphiql.answer()["cancelOrder"]

    assert canceled == {
        "order": {"id": placed["order"]["id"], "status": "CANCELED"},
        "userErrors": [],
    }


def test_the_schema_is_explained_and_completed(graphiql: GraphiQL) -> None:
    page = graphiql.open().page
    page.get_by_role("button", name=re.compile("Documentation")).click()
    docs = page.locator(".graphiql-doc-explorer")
    docs.get_by_role("link", name="Subscription").click()
    expect(docs).to_contain_text("Everything that can be followed.")

    page.get_by_role("button", name="New tab").click()
    page.wait_for_timeout(SETTLE_MS)
    page.locator(".graphiql-query-editor .view-line").last.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("{ ord")

    expect(page.locator(".suggest-widget")).to_contain_text("orderByClientOrderId")


def test_its_workers_and_its_storage_are_our_own(graphiql: GraphiQL, base_url: str) -> None:
    page = graphiql.open().page
    graphiql.tab("CompareVenues")
    graphiql.answer()

    graphiql.expect_workers()
    assert {worker.url.rpartition("/")[0] for worker in page.workers} == {
        f"{base_url}/static/assets"
    }
    keys = page.evaluate("Object.keys(localStorage)")
    assert keys
    assert [key for key in keys if not key.startswith("order-engine:")] == []


def test_what_was_typed_is_there_again(graphiql: GraphiQL, watch: Watch) -> None:
    page = graphiql.open().page
    graphiql.tab("History")
    graphiql.expect_workers()
    watch.settle(page)

    page.reload()

    expect(page.get_by_role("tab", selected=True)).to_contain_text("History")
    saved = page.evaluate("localStorage.getItem('order-engine:graphiql:tabState')")
    assert len(json.loads(saved)["tabs"]) == len(TABS)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_follows_the_systems_theme(
    graphiql: GraphiQL,
    page: Page,
    scheme: Literal["dark", "light"],
    axe: Callable[[Page], list[str]],
) -> None:
    page.emulate_media(color_scheme=scheme)
    graphiql.open()

    background = page.locator(".graphiql-container").evaluate(
        "element => getComputedStyle(element).backgroundColor"
    )
    lightness = int(re.findall(r"\d+", background)[0])
    assert (lightness < 128) is (scheme == "dark")
