"""A retry gets its order, whatever has changed since: only other input is a conflict."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.orders.admission import Admission
from tests.api.asking import Asking, asking
from tests.api.orders.placing import place, stored
from wiring.settings import Settings

LIMIT = """
mutation($input: PlaceLimitOrderInput!) {
  placeLimitOrder(input: $input) { order { id } replayed userErrors { code field } }
}
"""


@pytest.fixture
async def ask(settings: Settings) -> AsyncIterator[Asking]:
    async with asking(settings) as ask:
        yield ask


async def limit(ask: Asking, **given: Any) -> dict[str, Any]:
    asked = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1", "limitPrice": "200"} | given
    payload: dict[str, Any] = (await ask.data(LIMIT, input=asked))["placeLimitOrder"]
    return payload


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_an_order_asked_for_again_after_its_time_is_that_order(ask: Asking) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    first = await limit(ask, clientOrderId="a", expiresAt=until)
    async with asyncio.timeout(10):
        while codes(await limit(ask, expiresAt=until)) != ["INVALID_EXPIRY"]:
            await asyncio.sleep(0.05)

    again = await limit(ask, clientOrderId="a", expiresAt=until)

    assert again == {"order": first["order"], "replayed": True, "userErrors": []}


def too_many(ask: Asking) -> None:
    ask.services.capacity.in_progress = ask.services.settings.max_orders_in_progress


def nobody_trades(ask: Asking) -> None:
    ask.change(admission=Admission([]))


def the_venue_is_gone(ask: Asking) -> None:
    others = [venue for venue in ask.services.venues if venue.id != "raydium"]
    ask.change(venues=others, admission=Admission(others))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (too_many, "OVERLOADED"),
        (nobody_trades, "UNKNOWN_VENUE"),
        (the_venue_is_gone, "UNKNOWN_VENUE"),
    ],
)
async def test_what_depends_on_the_moment_is_asked_of_new_orders_only(
    ask: Asking, change: Any, refusal: str
) -> None:
    first = await place(ask, clientOrderId="a", venues=["raydium"])
    change(ask)

    again = await place(ask, clientOrderId="a", venues=["raydium"])
    other = await place(ask, clientOrderId="a", venues=["raydium"], amount="2")
    new = await place(ask, clientOrderId="b", venues=["raydium"])

    assert (again["replayed"], again["order"]["id"]) == (True, first["order"]["id"])
    assert (codes(other), other["order"]["id"]) == (["IDEMPOTENCY_CONFLICT"], first["order"]["id"])
    assert (codes(new), new["order"]) == ([refusal], None)
    assert await stored(ask) == 1


async def test_prices_that_differ_in_their_last_digit_are_different_orders(ask: Asking) -> None:
    price = "150." + "1" * 40
    await limit(ask, clientOrderId="a", limitPrice=price)

    assert (await limit(ask, clientOrderId="a", limitPrice=price))["replayed"] is True
    assert codes(await limit(ask, clientOrderId="a", limitPrice=price + "1")) == [
        "IDEMPOTENCY_CONFLICT"
    ]


async def test_an_empty_list_of_venues_is_not_all_of_them(ask: Asking) -> None:
    payload = await place(ask, venues=[])

    assert payload["order"] is None
    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [
        ("INVALID_VENUES", ["input", "venues"])
    ]
    assert (await place(ask, venues=None))["order"] is not None
