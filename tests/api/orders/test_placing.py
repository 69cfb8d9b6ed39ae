"""Placing a market order over GraphQL: accepted, or refused without a trace."""

from typing import Any

import pytest

from tests.api.asking import Asking
from tests.api.orders.placing import ORDER, PLACE, enqueued, place, stored


async def test_an_order_is_accepted_durably_and_handed_to_the_workers(ask: Asking) -> None:
    before = await enqueued(ask)

    payload = await place(ask, clientOrderId="mine", minAmountOut="200")

    order = payload["order"]
    assert payload["userErrors"] == []
    assert payload["replayed"] is False
    assert order | {"id": "", "tokenIn": {}} == {
        "id": "",
        "clientOrderId": "mine",
        "type": "MARKET",
        "status": "PENDING",
        "isTerminal": False,
        "amountIn": "1.5",
        "slippageBps": 50,
        "minAmountOut": "200",
        "attempts": 0,
        "sequence": 1,
        "tokenIn": {},
        "tokenOut": {"symbol": "USDC"},
        "events": [{"sequence": 1, "status": "PENDING", "attempt": 0}],
    }
    assert await stored(ask) == 1
    assert await enqueued(ask) == before + 1


async def test_tokens_go_by_mint_as_well_as_by_symbol(ask: Asking) -> None:
    mint = "So11111111111111111111111111111111111111112"

    payload = await place(ask, tokenIn=mint)

    assert payload["order"]["tokenIn"] == {"symbol": "SOL", "mint": mint, "decimals": 9}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"amount": ""}, "INVALID_AMOUNT", "amount"),
        ({"amount": "-1"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "0"}, "INVALID_AMOUNT", "amount"),
        ({"amount": 0}, "INVALID_AMOUNT", "amount"),
        ({"amount": "one"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "1e3"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "NaN"}, "INVALID_AMOUNT", "amount"),
        ({"amount": " 1"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "1.0000000001"}, "AMOUNT_PRECISION_EXCEEDED", "amount"),
        ({"amount": "18446744073.709551616"}, "AMOUNT_OUT_OF_RANGE", "amount"),
        ({"minAmountOut": "0.0000001"}, "AMOUNT_PRECISION_EXCEEDED", "minAmountOut"),
        ({"minAmountOut": "0"}, "INVALID_AMOUNT", "minAmountOut"),
        ({"tokenIn": "DOGE"}, "UNKNOWN_TOKEN", "tokenIn"),
        ({"tokenOut": "sol"}, "UNKNOWN_TOKEN", "tokenOut"),
        ({"tokenOut": "SOL"}, "SAME_TOKEN", "tokenOut"),
        ({"tokenOut": "ORCA", "venues": ["meteora"]}, "UNSUPPORTED_PAIR", "tokenOut"),
        ({"slippageBps": -1}, "INVALID_SLIPPAGE", "slippageBps"),
        ({"slippageBps": 5001}, "INVALID_SLIPPAGE", "slippageBps"),
        ({"maxPriceImpactBps": 10001}, "PRICE_IMPACT_TOO_HIGH", "maxPriceImpactBps"),
        ({"venues": ["orca"]}, "UNKNOWN_VENUE", "venues"),
        ({"clientOrderId": ""}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
        ({"clientOrderId": "a b"}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
        ({"clientOrderId": "x" * 65}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
        ({"clientOrderId": "é"}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
    ],
)
async def test_a_refused_order_is_told_why_and_leaves_no_trace(
    ask: Asking, given: dict[str, Any], code: str, field: str
) -> None:
    before = await enqueued(ask)

    payload = await place(ask, **given)

    (error,) = payload["userErrors"]
    assert payload["order"] is None
    assert (error["code"], error["field"]) == (code, ["input", field])
    assert (error["retryClass"], error["retryAfterMs"]) == ("FATAL", None)
    assert await stored(ask) == 0
    assert await enqueued(ask) == before


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        ("quoteFailures", 11),
        ("quoteTimeouts", -1),
        ("droppedTransactions", 11),
        ("slippageFailures", 11),
        ("extraLatencyMs", 60_001),
    ],
)
async def test_a_fault_out_of_range_is_refused_at_its_field(
    ask: Asking, fault: str, count: int
) -> None:
    payload = await place(ask, simulate={fault: count})

    (error,) = payload["userErrors"]
    assert error["code"] == "AMOUNT_OUT_OF_RANGE"
    assert error["field"] == ["input", "simulate", fault]
    assert await stored(ask) == 0


@pytest.mark.parametrize("amount", [1.5, True, {"value": "1"}, ["1"]])
async def test_an_amount_that_is_no_text_never_becomes_a_float(ask: Asking, amount: object) -> None:
    answer = await ask(PLACE, input=ORDER | {"amount": amount})

    assert "A Decimal is a string" in answer["errors"][0]["message"]
    assert await stored(ask) == 0


async def test_too_many_orders_in_progress_are_refused_for_now(ask: Asking) -> None:
    ask.services.capacity.in_progress = ask.services.settings.max_orders_in_progress

    payload = await place(ask)

    (error,) = payload["userErrors"]
    assert (error["code"], error["retryClass"]) == ("OVERLOADED", "RETRY")
    assert error["retryAfterMs"] > 0
    assert await stored(ask) == 0
