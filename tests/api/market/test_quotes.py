"""Quotes over the API: one asked for, or a stream that follows the pools."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from api.graphql.context import Context
from api.roots.schema import schema
from engine.tokens import WIF
from tests.api.asking import Asking, asking
from wiring.settings import Settings
from wiring.updates import PoolsChanged

PATIENCE_SECONDS = 10
QUOTES = """
subscription Quotes($input: QuoteInput!) {
  quotes(input: $input, minIntervalMs: 100) { amountOut route { pool } compared { venue { id } } }
}
"""
SELL = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"}


def quotes(ask: Asking, **given: Any) -> Any:
    stream = schema.subscribe(
        QUOTES,
        variable_values={"input": SELL | given},
        context_value=Context(services=ask.services, request_id="test"),
    )
    return stream


async def next_of(stream: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        result = await anext(stream)
    assert result.errors is None
    return result.data["quotes"]


async def test_a_stream_of_quotes_begins_with_one_and_follows_the_pools(
    ask: Asking, trade: Callable[..., Awaitable[None]]
) -> None:
    async with aclosing(await quotes(ask, venues=["raydium"])) as stream:
        first = await next_of(stream)
        follows = asyncio.ensure_future(next_of(stream))
        await trade("raydium:SOL-USDC", 1_000 * 10**9)
        second = await follows

    assert first["amountOut"] == "149.622015"
    assert float(second["amountOut"]) < float(first["amountOut"])


async def test_a_better_pool_off_the_route_brings_a_new_quote_too(
    ask: Asking, trade: Callable[..., Awaitable[None]]
) -> None:
    async with aclosing(await quotes(ask)) as stream:
        first = await next_of(stream)
        follows = asyncio.ensure_future(next_of(stream))
        await trade("meteora:SOL-USDC", 100 * 10**9)
        second = await follows

    assert first["route"] == [{"pool": "meteora:SOL-USDC"}]
    assert second["route"] == [{"pool": "raydium:SOL-USDC"}]


async def test_a_trade_elsewhere_brings_nothing(ask: Asking) -> None:
    async with aclosing(await quotes(ask, venues=["raydium"])) as stream:
        await next_of(stream)
        follows = asyncio.ensure_future(anext(stream))
        for _ in range(3):
            await ask.services.updates.publish_pools(1, ["raydium:JUP-USDC"])
        done, _ = await asyncio.wait({follows}, timeout=0.5)
        follows.cancel()
        await asyncio.gather(follows, return_exceptions=True)

    assert not done


async def test_lost_hints_only_delay_a_quote(
    ask: Asking, trade: Callable[..., Awaitable[None]], settings: Settings
) -> None:
    ask.change(settings=settings.model_copy(update={"stream_poll_interval_ms": 50}))
    async with aclosing(await quotes(ask, venues=["raydium"])) as stream:
        first = await next_of(stream)
        follows = asyncio.ensure_future(next_of(stream))
        await trade("raydium:SOL-USDC", 1_000 * 10**9, tell=False)
        second = await follows

    assert second != first


async def test_a_watch_holds_no_more_than_there_are_pools(ask: Asking) -> None:
    feed = ask.services.pool_feed
    with feed.watch() as watch:
        for slot in range(1_000):
            watch.offer(PoolsChanged(slot=slot, pools=frozenset({"a", "b"})))
        assert watch._changed == {"a", "b"}
        await watch.change({"b"}, timeout_seconds=PATIENCE_SECONDS)
    assert feed._watches == set()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount": "0"}, "INVALID_AMOUNT"),
        ({"tokenOut": "DOGE"}, "UNKNOWN_TOKEN"),
        ({"tokenOut": "ORCA", "venues": ["meteora"]}, "UNSUPPORTED_PAIR"),
    ],
)
async def test_what_can_never_be_quoted_ends_the_stream_with_its_reason(
    ask: Asking, given: dict[str, Any], code: str
) -> None:
    async with aclosing(await quotes(ask, **given)) as stream:
        result = await anext(stream)

    assert result.errors is not None
    assert result.errors[0].extensions == {"code": code}


@pytest.mark.parametrize("interval", [99, 60_001])
async def test_an_interval_out_of_range_is_refused(ask: Asking, interval: int) -> None:
    result = await anext(
        await schema.subscribe(
            QUOTES.replace("100", str(interval)),
            variable_values={"input": SELL},
            context_value=Context(services=ask.services, request_id="test"),
        )
    )

    assert "minIntervalMs" in result.errors[0].message


async def test_one_stream_of_quotes_too_many_is_told_when_to_come_back(
    settings: Settings,
) -> None:
    async with asking(settings.model_copy(update={"max_quote_streams": 1})) as ask:
        async with aclosing(await quotes(ask)) as stream:
            await next_of(stream)
            async with aclosing(await quotes(ask)) as refused:
                result = await anext(refused)
        (error,) = result.errors
        assert error.extensions == {"code": "OVERLOADED", "retryAfterMs": 1_000}
        async with aclosing(await quotes(ask)) as stream:
            assert await next_of(stream)


QUOTE = """
query Quote($input: QuoteInput!) {
  quote(input: $input) {
    quote { amountOut priceImpactBps route { pool } } userErrors { code message }
  }
}
"""
LAUNCH = """
mutation Launch($input: LaunchPoolInput!) {
  launchPool(input: $input) { pool { spotPrice } userErrors { code field } }
}
"""


async def quote(
    ask: Asking, token_in: str, token_out: str, amount: str, **given: Any
) -> dict[str, Any]:
    asked = {"tokenIn": token_in, "tokenOut": token_out, "amount": amount} | given
    return (await ask.data(QUOTE, input=asked))["quote"]


async def launch(ask: Asking, **given: Any) -> dict[str, Any]:
    asked = {"symbol": "WIF", "mint": WIF.mint, "decimals": 6, "quoteToken": "USDC"} | given
    return (await ask.data(LAUNCH, input=asked))["launchPool"]


async def test_thin_pools_do_not_hide_the_way_over_a_hub(ask: Asking) -> None:
    before = await quote(ask, "WIF", "USDC", "10000")
    for venue in ("raydium", "meteora"):
        opened = await launch(ask, venue=venue, reserve="20", quoteReserve="10")
        assert opened["userErrors"] == []

    after = await quote(ask, "WIF", "USDC", "10000")
    alone = await quote(ask, "WIF", "USDC", "10000", venues=["meteora"])

    assert before == after
    assert after["quote"]["amountOut"] == "4962.652922"
    assert float(alone["quote"]["amountOut"]) > 4_900


async def test_an_amount_that_buys_nothing_is_told_so(ask: Asking) -> None:
    answer = await quote(ask, "ORCA", "USDC", "0.000001")

    assert answer["quote"] is None
    assert [error["code"] for error in answer["userErrors"]] == ["ZERO_OUTPUT"]


async def test_dust_has_no_price_impact(ask: Asking) -> None:
    answer = await quote(ask, "SOL", "USDC", "0.0000001")

    assert answer["quote"]["amountOut"] == "0.000014"
    assert answer["quote"]["priceImpactBps"] == "0"


async def test_a_meteora_pool_opens_at_the_bin_nearest_to_its_ratio(ask: Asking) -> None:
    opened = await launch(ask, venue="meteora", reserve="1000000", quoteReserve="600000")
    refused = await launch(
        ask, venue="meteora", quoteToken="SOL", reserve="0.00001", quoteReserve="10000000"
    )

    assert float(opened["pool"]["spotPrice"]) == pytest.approx(0.6, rel=0.005)
    assert refused["pool"] is None
    assert refused["userErrors"] == [{"code": "AMOUNT_OUT_OF_RANGE", "field": ["input", "reserve"]}]
