"""Limit orders: they wait for their price, however often it slips away."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from fractions import Fraction

import pytest
from sqlalchemy import text

from engine.devnet.genesis import genesis_pools
from models.database import transaction
from models.devnet.pools import list_pools
from tests.tasks.devnet import Devnet, life


async def test_a_marketable_limit_order_executes_at_once_and_not_below_its_limit(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.limit("1", "149.5")
        await net.route(id)
        done = await net.end(id)

    assert life(done) == [
        ("PENDING", 0, None),
        ("WAITING_PRICE", 0, None),
        ("ROUTING", 1, None),
        ("BUILDING", 1, None),
        ("SUBMITTED", 1, None),
        ("CONFIRMED", 1, None),
    ]
    # The improvement is the owner's.
    assert (done["minAmountOut"], done["amountOut"]) == ("149.5", "149.710532")


async def test_a_limit_order_waits_until_the_market_comes_to_it(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.limit("1", "151")
        await net.route(id)
        assert await net.watch() == []
        assert (await net.show(id))["status"] == "WAITING_PRICE"

        # Somebody buys a lot of SOL, so that SOL is worth more.
        await net.end(await net.send("90000", tokenIn="USDC", tokenOut="SOL"))
        assert await net.watch() == [id]
        assert await net.watch() == []
        done = await net.end(id)

    assert done["status"] == "CONFIRMED"
    assert Fraction(done["executedPrice"]) >= 151


async def test_a_woken_order_is_not_the_sweeps_while_its_message_waits(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.limit("1", "151")
        await net.route(id)
        await net.end(await net.send("90000", tokenIn="USDC", tokenOut="SOL"))
        await net.watch()

        assert await net.resources.orders.overdue(most=10) == []


async def test_equality_triggers_and_an_atom_more_does_not(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        exactly = await net.limit("1", "149.710532")
        more = await net.limit("1", "149.710533")
        for id in (exactly, more):
            await net.route(id)

        assert (await net.show(exactly))["status"] == "SUBMITTED"
        assert (await net.show(more))["status"] == "WAITING_PRICE"


async def test_the_whole_size_counts_not_the_spot_price(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        small = await net.limit("1", "149")
        big = await net.limit("5000", "149")
        for id in (small, big):
            await net.route(id)

        assert (await net.show(small))["status"] == "SUBMITTED"
        assert (await net.show(big))["status"] == "WAITING_PRICE"


async def test_a_trigger_that_is_gone_at_routing_sends_the_order_back_to_wait(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.limit("1", "149.7")
        await net.route(id)
        waits = await net.limit("1", "149.8")
        await net.route(waits)
        await net.end(await net.send("2000", tokenIn="USDC", tokenOut="SOL"))
        assert waits in await net.watch()  # woken, and before it is routed the price leaves
        await net.end(await net.send("3000"))

        await net.route(waits)

        shown = await net.show(waits)
        assert life(shown)[-2:] == [("ROUTING", 1, None), ("WAITING_PRICE", 0, None)]
        assert shown["attempts"] == 0


async def start_pools_again(net: Devnet) -> None:
    async with transaction(net.resources.database) as connection:
        await connection.execute(text("DELETE FROM pools"))
        await list_pools(connection, genesis_pools())


@pytest.mark.parametrize(
    ("venues", "limit"), [(["raydium"], "149.6"), (["meteora"], "149.7")], ids=["cpmm", "dlmm"]
)
async def test_a_limit_order_that_slips_away_as_it_lands_waits_again_however_often(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]], venues: list[str], limit: str
) -> None:
    async with devnet() as net:
        id = await net.limit("1", limit, venues=venues)
        for attempt in (1, 2, 3, 4):
            await net.route(id)  # sent, and lands only after somebody sells a lot
            await net.send("700", venues=venues, slippageBps=5000)
            async with net.resources.database.connect() as connection:
                await connection.execute(
                    text(
                        "UPDATE ledger_transactions SET land_slot = (memo = :id)::int "
                        "WHERE outcome IS NULL"
                    ),
                    {"id": id},
                )
            await net.slots(10)
            shown = await net.show(id)
            assert shown["status"] == "ROUTING", attempt
            assert shown["failure"]["code"] in ("SLIPPAGE_EXCEEDED", "INSUFFICIENT_LIQUIDITY")
            if attempt < 4:  # the price comes back, and the order is sent once more
                await start_pools_again(net)

        await net.route(id)

        assert life(await net.show(id))[-1] == ("WAITING_PRICE", 0, None)


async def test_of_many_only_those_the_price_is_good_for_are_woken_furthest_first(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        ids: dict[str, list[str]] = {}
        for price in ("151.0", "150.6", "150.8", "150.6", "149.9"):
            id = await net.limit("100", price, allowSplit=False, venues=["raydium"])
            await net.route(id)
            ids.setdefault(price, []).append(id)
        await net.end(await net.send("50000", tokenIn="USDC", tokenOut="SOL", venues=["raydium"]))
        await net.end(await net.send("30000", tokenIn="USDC", tokenOut="SOL", venues=["raydium"]))

        woken = await net.watch()

    expected = [*ids["149.9"], *ids["150.6"], *ids["150.8"], *ids["151.0"]]
    assert woken == expected[: len(woken)]
    assert 1 <= len(woken) < len(expected)
