"""The same request twice is one order; another request under its id is a conflict."""

import asyncio
from typing import Any

import pytest

from tests.api.asking import Asking
from tests.api.orders.placing import enqueued, place, stored


async def test_no_faults_asked_for_is_the_same_as_nothing_said_of_them(ask: Asking) -> None:
    first = await place(ask, clientOrderId="mine", simulate={"quoteFailures": 0})

    again = await place(ask, clientOrderId="mine", simulate=None)

    assert (again["replayed"], again["order"]["id"]) == (True, first["order"]["id"])


async def test_a_refused_request_does_not_use_up_its_id(ask: Asking) -> None:
    await place(ask, clientOrderId="mine", amount="0")

    payload = await place(ask, clientOrderId="mine")

    assert payload["order"]["clientOrderId"] == "mine"


async def test_the_same_request_again_returns_the_same_order_and_does_nothing(ask: Asking) -> None:
    first = await place(ask, clientOrderId="mine")
    before = await enqueued(ask)

    again = await place(ask, clientOrderId="mine", amount="1.500", slippageBps=None)

    assert again["replayed"] is True
    assert again["order"]["id"] == first["order"]["id"]
    assert again["userErrors"] == []
    assert await enqueued(ask) == before
    assert await stored(ask) == 1


async def test_fifty_doubles_at_once_place_one_order(ask: Asking) -> None:
    before = await enqueued(ask)

    payloads = await asyncio.gather(*(place(ask, clientOrderId="mine") for _ in range(50)))

    assert len({payload["order"]["id"] for payload in payloads}) == 1
    assert sum(not payload["replayed"] for payload in payloads) == 1
    assert await enqueued(ask) == before + 1


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "2"},
        {"slippageBps": 51},
        {"minAmountOut": "1"},
        {"venues": ["raydium"]},
        {"tokenOut": "USDT"},
        {"maxPriceImpactBps": 100},
        {"allowSplit": False},
        {"simulate": {"quoteFailures": 1}},
    ],
)
async def test_an_id_used_for_another_order_is_a_conflict_that_shows_it(
    ask: Asking, other: dict[str, Any]
) -> None:
    first = await place(ask, clientOrderId="mine")

    payload = await place(ask, clientOrderId="mine", **other)

    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("IDEMPOTENCY_CONFLICT", ["input", "clientOrderId"])
    assert payload["order"]["id"] == first["order"]["id"]
    assert payload["replayed"] is False
    assert await stored(ask) == 1
