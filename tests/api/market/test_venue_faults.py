"""Venues from outside that fail or hang, seen by the API's clients: quotes, health, orders."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.asking import Asking, asking
from tests.plug_in import plug_in
from wiring.settings import Settings

VENUE = """
import asyncio
class Venue:
    simulated = True
    def __init__(self, context):
        self.id = self.name = __name__.partition("_")[0]
    async def go_wrong(self, *about, **more):
        {fault}
    healthy = trades = quote = build = submit = statuses = go_wrong
"""
PLACE = """
mutation Place($input: ExecuteMarketOrderInput!) {
  executeMarketOrder(input: $input) { order { id } userErrors { code message } }
}
"""
QUOTE = """
query Quote($input: QuoteInput!) {
  quote(input: $input) {
    quote { amountOut compared { venue { id } failure { code } } } userErrors { code message }
  }
}
"""
SELL = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"}


@pytest.fixture
async def ask(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asking]:
    monkeypatch.syspath_prepend(str(tmp_path))
    faults = {"broken": "raise OSError('away')", "hung": "await asyncio.Event().wait()"}
    for name, fault in faults.items():
        plug_in(tmp_path, name, source=VENUE.format(fault=fault), factory="Venue")
    changes = {
        "venues": ["broken", "hung", "raydium"],
        "quote_latency_ms": 0,
        "quote_timeout_ms": 500,
    }
    async with asking(settings.model_copy(update=changes)) as ask:
        yield ask


async def test_a_venue_that_fails_or_hangs_is_not_healthy_and_the_others_are(ask: Asking) -> None:
    listed = (await ask.data("{ venues { id healthy } }"))["venues"]

    assert {venue["id"]: venue["healthy"] for venue in listed} == {
        "broken": False,
        "hung": False,
        "raydium": True,
    }


async def test_quotes_of_the_others_come_with_what_went_wrong(ask: Asking) -> None:
    answer = (await ask.data(QUOTE, input=SELL))["quote"]

    assert answer["userErrors"] == []
    assert answer["quote"]["amountOut"] == "149.622015"
    told = {
        q["venue"]["id"]: q["failure"] and q["failure"]["code"] for q in answer["quote"]["compared"]
    }
    assert told == {"raydium": None, "broken": "VENUE_UNAVAILABLE", "hung": "VENUE_TIMEOUT"}


async def test_orders_for_the_others_are_taken(ask: Asking) -> None:
    for input in (SELL, SELL | {"venues": ["raydium"]}):
        payload = (await ask.data(PLACE, input=input))["executeMarketOrder"]
        assert payload["userErrors"] == []

    payload = (await ask.data(PLACE, input=SELL | {"venues": ["broken"]}))["executeMarketOrder"]
    assert [error["code"] for error in payload["userErrors"]] == ["VENUE_UNAVAILABLE"]
    assert payload["order"] is None
