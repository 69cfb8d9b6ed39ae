"""A quote asked for once, and the tokens and venues there are to ask for."""

from typing import Any

import pytest

from tests.api.asking import Asking
from tests.api.orders.placing import ORDER


async def test_a_quote_compares_every_venue(ask: Asking) -> None:
    payload = await ask.data(
        "query Quote($input: QuoteInput!) { quote(input: $input) { userErrors { code } quote { "
        "amountIn amountOut minAmountOut price priceImpactBps quotedAt "
        "route { venue { id } pool amountIn amountOut fee shareBps } "
        "compared { venue { id } amountOut price priceImpactBps fee latencyMs "
        "failure { code } } } } }",
        input=ORDER | {"amount": "1", "slippageBps": 100},
    )

    quote = payload["quote"]["quote"]
    assert (quote["amountOut"], quote["minAmountOut"]) == ("149.710532", "148.213426")
    assert quote["route"] == [
        {
            "venue": {"id": "meteora"},
            "pool": "meteora:SOL-USDC",
            "amountIn": "1",
            "amountOut": "149.710532",
            "fee": "0.001",
            "shareBps": 10000,
        }
    ]
    assert [q["venue"]["id"] for q in quote["compared"]] == ["meteora", "raydium"]
    assert quote["compared"][1]["amountOut"] == "149.622015"


async def test_an_order_that_may_not_be_divided_goes_where_the_pool_is_deep(ask: Asking) -> None:
    payload = await ask.data(
        "query Quote($input: QuoteInput!) { quote(input: $input) { quote { "
        "route { venue { id } } } } }",
        input=ORDER | {"amount": "5000", "allowSplit": False},
    )

    assert payload["quote"]["quote"]["route"] == [{"venue": {"id": "raydium"}}]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount": "0"}, "INVALID_AMOUNT"),
        ({"amount": "0.000000001"}, "ZERO_OUTPUT"),
        ({"tokenOut": "X"}, "UNKNOWN_TOKEN"),
        ({"slippageBps": 9999}, "INVALID_SLIPPAGE"),
        ({"venues": ["orca"]}, "UNKNOWN_VENUE"),
    ],
)
async def test_what_cannot_be_quoted_is_told_why(
    ask: Asking, given: dict[str, Any], code: str
) -> None:
    payload = await ask.data(
        "query Quote($input: QuoteInput!) { quote(input: $input) { quote { price } "
        "userErrors { code } } }",
        input=ORDER | given,
    )

    assert payload["quote"] == {"quote": None, "userErrors": [{"code": code}]}


async def test_tokens_and_venues_are_listed(ask: Asking) -> None:
    listed = await ask.data("{ tokens { symbol decimals } venues { id healthy } }")

    assert {token["symbol"] for token in listed["tokens"]} >= {"SOL", "USDC", "USDT", "BONK"}
    assert listed["venues"] == [
        {"id": "meteora", "healthy": True},
        {"id": "raydium", "healthy": True},
    ]
