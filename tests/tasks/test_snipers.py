"""Snipers: they wait for a pool, deep enough and cheap enough."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from fractions import Fraction

import pytest
from sqlalchemy import text

from models.database import transaction
from tests.tasks.devnet import Devnet, life
from tests.tasks.launching import MINT, launch


async def test_a_sniper_buys_what_nobody_knew_when_it_was_placed(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.snipe(MINT, "1")
        await net.route(id)
        assert await net.watch() == []
        assert (await net.show(id))["status"] == "WAITING_POOL"

        pool = await launch(net)
        assert await net.watch() == [id]
        done = await net.end(id)

    assert pool == {"id": "raydium:NEW-SOL", "spotPrice": "0.001"}
    assert [status for status, _, _ in life(done)] == [
        "PENDING",
        "WAITING_POOL",
        "ROUTING",
        "BUILDING",
        "SUBMITTED",
        "CONFIRMED",
    ]
    assert 990 < float(done["amountOut"]) < 1000


@pytest.mark.parametrize("venue", ["raydium", "meteora"])
async def test_a_snipers_price_holds_to_the_atom(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]], venue: str
) -> None:
    async with devnet() as net:
        await launch(net, venue=venue)
        first = await net.snipe(MINT, "1")
        await net.route(first)
        fill = await net.end(first)
        paid_each = Fraction(1) / Fraction(fill["amountOut"])
        dear = await net.snipe(MINT, "1", maxPrice=f"{float(paid_each * 99 / 100):.12f}")
        fair = await net.snipe(MINT, "1", maxPrice=f"{float(paid_each * 102 / 100):.12f}")
        for id in (dear, fair):
            await net.route(id)
        assert (await net.show(dear))["status"] == "WAITING_POOL"
        done = await net.end(fair)

    most = Fraction(f"{float(paid_each * 102 / 100):.12f}")
    least = -(-(10**6) * 1 / most // 1)
    assert int(Fraction(done["amountOut"]) * 10**6) >= least
    assert int(Fraction(done["minAmountOut"]) * 10**6) >= least


async def test_a_sniper_waits_for_enough_liquidity(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        await launch(net, quoteReserve="99")
        id = await net.snipe(MINT, "0.1", minLiquidity="100")
        await net.route(id)
        assert await net.watch() == []

        await launch(net, venue="meteora", quoteReserve="250")  # the half of it beside the token

        assert await net.watch() == [id]


async def test_a_sniper_buys_only_from_pools_deep_enough(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        await launch(net, reserve="500000", quoteReserve="1000")
        await launch(net, venue="meteora", reserve="1000", quoteReserve="1")  # cheaper, and thin
        deep = await net.snipe(MINT, "0.1", minLiquidity="100")
        thin = await net.snipe(MINT, "0.1", minLiquidity="100", venues=["meteora"])
        any_depth = await net.snipe(MINT, "0.0001")
        for id in (deep, thin, any_depth):
            await net.route(id)
        assert await net.watch() == []
        assert (await net.show(thin))["status"] == "WAITING_POOL"
        done, cheap = [await net.end(id) for id in (deep, any_depth)]

    assert [leg["pool"] for leg in done["route"]] == ["raydium:NEW-SOL"]
    assert [leg["pool"] for leg in cheap["route"]] == ["meteora:NEW-SOL"]


async def test_a_pool_that_got_thin_before_a_woken_sniper_was_routed_is_not_bought_from(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.snipe(MINT, "0.1", minLiquidity="100")
        await net.route(id)
        await launch(net, venue="meteora", reserve="100000", quoteReserve="200")
        assert await net.watch() == [id]
        async with transaction(net.resources.database) as connection:
            await connection.execute(text("DELETE FROM pools WHERE id = 'meteora:NEW-SOL'"))
        await launch(net, venue="raydium", reserve="50000", quoteReserve="99")
    async with devnet() as net:
        await net.route(id)
        shown = await net.show(id)

    assert (shown["status"], shown["failure"]["code"]) == ("FAILED", "INSUFFICIENT_LIQUIDITY")
