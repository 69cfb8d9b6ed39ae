"""Pools are launched once, within bounds, and trade like any other."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.tasks.devnet import Devnet
from tests.tasks.launching import LAUNCH, MINT, launch, launch_input


async def test_a_launched_token_trades_like_any_other(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        await launch(net)
        bought = await net.end(await net.send("1", tokenOut="NEW"))
        sold = await net.end(await net.send("100", tokenIn="NEW", tokenOut="USDC"))
        listed = await net.ask.data("{ tokens { symbol mint decimals } }")

    assert bought["status"] == sold["status"] == "CONFIRMED"
    assert sold["route"][0]["pool"] == "raydium:NEW-SOL"
    assert listed["tokens"][-1] == {"symbol": "NEW", "mint": MINT, "decimals": 6}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"venue": "orca"}, "UNKNOWN_VENUE", "venue"),
        ({"mint": "not a mint"}, "UNKNOWN_TOKEN", "mint"),
        ({"symbol": "new"}, "UNKNOWN_TOKEN", "symbol"),
        ({"symbol": "SOL"}, "UNKNOWN_TOKEN", "symbol"),
        ({"decimals": 13}, "AMOUNT_OUT_OF_RANGE", "decimals"),
        ({"quoteToken": "BONK"}, "UNSUPPORTED_PAIR", "quoteToken"),
        ({"reserve": "0"}, "INVALID_AMOUNT", "reserve"),
        ({"quoteReserve": "0.0000000001"}, "AMOUNT_PRECISION_EXCEEDED", "quoteReserve"),
        (
            {"venue": "meteora", "reserve": "0.00001", "quoteReserve": "10000000"},
            "AMOUNT_OUT_OF_RANGE",
            "reserve",
        ),
    ],
)
async def test_a_launch_that_cannot_be_is_refused(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
    given: dict[str, Any],
    code: str,
    field: str,
) -> None:
    async with devnet() as net:
        payload = (await net.ask.data(LAUNCH, input=launch_input(**given)))["launchPool"]

    assert payload["pool"] is None
    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [(code, ["input", field])]


async def test_a_pool_is_launched_once(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        await launch(net)
        again = (await net.ask.data(LAUNCH, input=launch_input()))["launchPool"]

    assert [e["code"] for e in again["userErrors"]] == ["UNSUPPORTED_PAIR"]
