"""Orders that wait: for a price, for a pool, until they are canceled or their time is up."""

import asyncio
from fractions import Fraction
from uuid import UUID

import pytest
from sqlalchemy import text

from engine.devnet.genesis import genesis_pools
from models.database import transaction
from models.devnet.pools import list_pools
from tasks.route_order import route_order
from tests.factories import unguarded
from tests.tasks.devnet import life

MINT = "NewTokenMint1111111111111111111111111111111"
LAUNCH = """
mutation Launch($input: LaunchPoolInput!) {
  launchPool(input: $input) { pool { id spotPrice } userErrors { code field message } }
}
"""


def launch_input(**given):
    return {
        "venue": "raydium",
        "mint": MINT,
        "symbol": "NEW",
        "decimals": 6,
        "quoteToken": "SOL",
        "reserve": "1000000",
        "quoteReserve": "1000",
    } | given


async def launch(net, **given):
    payload = (await net.ask.data(LAUNCH, input=launch_input(**given)))["launchPool"]
    assert payload["userErrors"] == []
    return payload["pool"]


async def ledger_rows(net) -> int:
    async with net.resources.database.connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM ledger_transactions"))


async def test_a_marketable_limit_order_executes_at_once_and_not_below_its_limit(devnet):
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


async def test_a_limit_order_waits_until_the_market_comes_to_it(devnet):
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


async def test_a_woken_order_is_not_the_sweeps_while_its_message_waits(devnet):
    async with devnet() as net:
        id = await net.limit("1", "151")
        await net.route(id)
        await net.end(await net.send("90000", tokenIn="USDC", tokenOut="SOL"))
        await net.watch()

        assert await net.resources.orders.overdue(most=10) == []


async def test_equality_triggers_and_an_atom_more_does_not(devnet):
    async with devnet() as net:
        exactly = await net.limit("1", "149.710532")
        more = await net.limit("1", "149.710533")
        for id in (exactly, more):
            await net.route(id)

        assert (await net.show(exactly))["status"] == "SUBMITTED"
        assert (await net.show(more))["status"] == "WAITING_PRICE"


async def test_the_whole_size_counts_not_the_spot_price(devnet):
    async with devnet() as net:
        small = await net.limit("1", "149")
        big = await net.limit("5000", "149")
        for id in (small, big):
            await net.route(id)

        assert (await net.show(small))["status"] == "SUBMITTED"
        assert (await net.show(big))["status"] == "WAITING_PRICE"


async def test_a_trigger_that_is_gone_at_routing_sends_the_order_back_to_wait(devnet):
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


async def start_pools_again(net) -> None:
    async with transaction(net.resources.database) as connection:
        await connection.execute(text("DELETE FROM pools"))
        await list_pools(connection, genesis_pools())


@pytest.mark.parametrize(
    ("venues", "limit"), [(["raydium"], "149.6"), (["meteora"], "149.7")], ids=["cpmm", "dlmm"]
)
async def test_a_limit_order_that_slips_away_as_it_lands_waits_again_however_often(
    devnet, venues, limit
):
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


async def test_of_many_only_those_the_price_is_good_for_are_woken_furthest_first(devnet):
    async with devnet() as net:
        ids = {}
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


async def test_waiting_orders_are_canceled_and_a_second_time_too(devnet):
    async with devnet() as net:
        id = await net.limit("1", "200")
        await net.route(id)

        first, second = [await net.cancel(id) for _ in range(2)]

        assert first == second == {"order": {"id": id, "status": "CANCELED"}, "userErrors": []}
        assert life(await net.show(id))[-1][0] == "CANCELED"
        assert await ledger_rows(net) == 0


async def test_an_order_that_was_sent_is_not_canceled(devnet):
    async with devnet() as net:
        id = await net.send("1")
        sent = await net.cancel(id)
        await net.end(id)
        ended = await net.cancel(id)

    for payload, status in ((sent, "SUBMITTED"), (ended, "CONFIRMED")):
        assert payload["order"] == {"id": id, "status": status}
        assert payload["userErrors"] == [{"code": "ORDER_NOT_CANCELABLE"}]


@pytest.mark.parametrize("id", ["nonsense", "01a1f8d4-2d3f-73b1-8b3a-390ea7b84b77"])
async def test_an_order_nobody_knows_is_not_canceled(devnet, id):
    async with devnet() as net:
        payload = await net.cancel(id)

    assert payload == {"order": None, "userErrors": [{"code": "ORDER_NOT_FOUND"}]}


async def test_canceling_at_any_step_finds_it_canceled_or_filled_never_both(devnet):
    async with devnet() as net:
        ids = [await net.place("0.1") for _ in range(60)]

        async def route(id, n):
            await asyncio.sleep(n % 5 / 500)
            await route_order.fn.__wrapped__(id)

        async def cancel(id, n):
            await asyncio.sleep(n % 7 / 500)
            return await net.cancel(id)

        (*payloads,) = await asyncio.gather(
            *(cancel(id, n) for n, id in enumerate(ids)),
            *(route(id, n) for n, id in enumerate(ids)),
        )
        await net.slots(10)
        for id, payload in zip(ids, payloads, strict=False):
            shown = await net.show(id)
            async with net.resources.database.connect() as connection:
                rows = await connection.scalar(
                    text("SELECT count(*) FROM ledger_transactions WHERE memo = :id"), {"id": id}
                )
            canceled = payload["userErrors"] == []
            assert (shown["status"], rows) == (("CANCELED", 0) if canceled else ("CONFIRMED", 1))


async def test_past_its_time_an_order_expires_before_anything_else(devnet):
    async with devnet() as net:
        id = await net.limit("1", "149")  # marketable: only its time keeps it from executing
        async with unguarded(net.resources.database) as connection:
            await connection.execute(text("UPDATE orders SET expires_at = now()"))

        await net.route(id)
        assert (await net.show(id))["status"] == "PENDING"
        await net.watch()

        shown = await net.show(id)
        assert life(shown)[-1] == ("EXPIRED", 0, None)
        assert await ledger_rows(net) == 0


async def test_without_an_expiry_an_order_waits_for_the_usual_life(devnet):
    async with devnet(waiting_order_life_ms=60_000) as net:
        id = await net.limit("1", "200")
        order = await net.resources.orders.get(UUID(id))

    assert (order.expires_at - order.created_at).total_seconds() == 60


async def test_what_was_sent_does_not_expire(devnet):
    async with devnet() as net:
        id = await net.limit("1", "149")
        await net.route(id)
        async with unguarded(net.resources.database) as connection:
            await connection.execute(text("UPDATE orders SET expires_at = now()"))
        await net.watch()

        assert (await net.end(id))["status"] == "CONFIRMED"


async def test_a_sniper_buys_what_nobody_knew_when_it_was_placed(devnet):
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
async def test_a_snipers_price_holds_to_the_atom(devnet, venue):
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


async def test_a_sniper_waits_for_enough_liquidity(devnet):
    async with devnet() as net:
        await launch(net, quoteReserve="99")
        id = await net.snipe(MINT, "0.1", minLiquidity="100")
        await net.route(id)
        assert await net.watch() == []

        await launch(net, venue="meteora", quoteReserve="250")  # the half of it beside the token

        assert await net.watch() == [id]


async def test_a_sniper_buys_only_from_pools_deep_enough(devnet):
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


async def test_a_pool_that_got_thin_before_a_woken_sniper_was_routed_is_not_bought_from(devnet):
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


async def test_a_launched_token_trades_like_any_other(devnet):
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
async def test_a_launch_that_cannot_be_is_refused(devnet, given, code, field):
    async with devnet() as net:
        payload = (await net.ask.data(LAUNCH, input=launch_input(**given)))["launchPool"]

    assert payload["pool"] is None
    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [(code, ["input", field])]


async def test_a_pool_is_launched_once(devnet):
    async with devnet() as net:
        await launch(net)
        again = (await net.ask.data(LAUNCH, input=launch_input()))["launchPool"]

    assert [e["code"] for e in again["userErrors"]] == ["UNSUPPORTED_PAIR"]


async def test_after_everything_but_postgres_was_lost_each_order_still_ends_once(devnet):
    async with devnet() as net:
        triggers = [await net.limit("0.1", "149") for _ in range(20)]
        rests = [await net.limit("0.1", "200") for _ in range(20)]
        cancels = [await net.limit("0.1", "200") for _ in range(20)]
        for id in rests + cancels:
            await net.route(id)
    # Nobody heard of the first twenty: their messages are gone, and so are all processes.
    async with devnet() as net:
        async with unguarded(net.resources.database) as connection:
            await connection.execute(text("UPDATE orders SET lease_until = now()"))
            await connection.execute(
                text("UPDATE orders SET expires_at = now() WHERE id = ANY(:ids)"), {"ids": rests}
            )
        for id in triggers:
            await net.route(id)
        for id in cancels:
            assert (await net.cancel(id))["userErrors"] == []
        await net.watch()
        await net.slots(10)
        ended = {id: (await net.show(id)) for id in triggers + rests + cancels}

    for ids, status in ((triggers, "CONFIRMED"), (rests, "EXPIRED"), (cancels, "CANCELED")):
        assert {ended[id]["status"] for id in ids} == {status}
