"""Pools and candles through the API, as trades leave them."""

from collections.abc import Awaitable, Callable

import pytest

from tests.api.asking import Asking


async def test_pools_are_listed_as_they_are_now(
    ask: Asking, trade: Callable[..., Awaitable[None]]
) -> None:
    await trade("raydium:SOL-USDC", 1_000 * 10**9)

    listed = await ask.data(
        '{ all: pools { id } both: pools(tokenX: "USDC", tokenY: "SOL") { id kind venue { id } '
        "tokenX { symbol } tokenY { symbol } reserveX reserveY spotPrice feeBps } }"
    )

    assert len(listed["all"]) == 35
    meteora, raydium = listed["both"]
    assert meteora == {
        "id": "meteora:SOL-USDC",
        "kind": "DLMM",
        "venue": {"id": "meteora"},
        "tokenX": {"symbol": "SOL"},
        "tokenY": {"symbol": "USDC"},
        "reserveX": "1010",
        "reserveY": "151500",
        "spotPrice": "149.860392861553529",
        "feeBps": "10",
    }
    assert (raydium["kind"], raydium["feeBps"]) == ("CONSTANT_PRODUCT", "25")
    assert raydium["reserveX"] == "50999.6"  # less what the protocol and the fund got
    assert float(raydium["spotPrice"]) < 145


async def test_candles_follow_trades(ask: Asking, trade: Callable[..., Awaitable[None]]) -> None:
    await trade("raydium:SOL-USDC", 1_000 * 10**9)

    answer = await ask.data(
        '{ candles(tokenIn: "SOL", tokenOut: "USDC", intervalSeconds: 3600, last: 2) '
        "{ openedAt open high low close volume } }"
    )

    candle = answer["candles"][-1]
    assert candle["volume"] == "1000"
    assert candle["open"] == candle["high"] == candle["low"] == candle["close"]
    assert candle["openedAt"].endswith(":00:00.000000Z")


@pytest.mark.parametrize(
    "arguments",
    [
        'tokenIn: "SOL", tokenOut: "DOGE"',
        'tokenIn: "SOL", tokenOut: "USDC", intervalSeconds: 7',
        'tokenIn: "SOL", tokenOut: "USDC", intervalSeconds: 86405',
        'tokenIn: "SOL", tokenOut: "USDC", intervalSeconds: 0',
        'tokenIn: "SOL", tokenOut: "USDC", last: 0',
        'tokenIn: "SOL", tokenOut: "USDC", last: 501',
    ],
)
async def test_candles_that_cannot_be_are_refused(ask: Asking, arguments: str) -> None:
    answer = await ask("{ candles(" + arguments + ") { open } }")

    assert answer["errors"][0]["extensions"] == {"code": "INVALID_ARGUMENT"}
