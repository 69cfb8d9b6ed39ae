"""Slots against Postgres: pools that answer to trades, and never an atom more or less."""

import asyncio
import dataclasses
import time
from decimal import Decimal

import pytest
from sqlalchemy import text

from engine.devnet.chain import Rules
from engine.devnet.genesis import genesis_pools
from engine.devnet.launch import scheduled_launch
from engine.swaps.transaction import Hop, PoolShare, SignedTransaction, SwapTransaction, sign
from engine.tokens import SOL, USDC, is_mint
from models.devnet.candles import CandleStore
from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import MAX_MARKET_SLOTS, SlotRunner

SLOT_MS = 60_000  # none passes but those a test lets pass
REAL_SLOT_SECONDS = 0.4
MOVING = Rules("test")
STILL = Rules("test", market_moves=False)
GENESIS = {pool.id: pool for pool in genesis_pools()}

# Of each token: what pools hold and keep apart, what the market gained, what traders gained.
CIRCULATING = text("""
SELECT mint, sum(atoms) AS atoms FROM (
    SELECT token_x AS mint, fees_x + coalesce((state->>'reserve_x')::numeric,
        (state->>'amount_x')::numeric + (SELECT coalesce(sum((level->>1)::numeric), 0)
            FROM jsonb_array_elements(state->'asks') level)) AS atoms FROM pools
    UNION ALL
    SELECT token_y, fees_y + coalesce((state->>'reserve_y')::numeric,
        (state->>'amount_y')::numeric + (SELECT coalesce(sum((level->>1)::numeric), 0)
            FROM jsonb_array_elements(state->'bids') level)) FROM pools
    UNION ALL SELECT mint, atoms FROM market_balances
    UNION ALL SELECT token_in, -amount_in FROM ledger_transactions WHERE outcome = 'LANDED'
    UNION ALL SELECT token_out, amount_out FROM ledger_transactions WHERE outcome = 'LANDED'
) held GROUP BY mint ORDER BY mint
""")


@pytest.fixture
def ledger(database, hot) -> PostgresLedger:
    return PostgresLedger(
        hot,
        PoolStore(database, hot, slot_ms=SLOT_MS),
        seed="test",
        slot_ms=SLOT_MS,
        landing_slots_max=1,
        confirmation_slots=5,
    )


@pytest.fixture
async def frozen(database) -> None:
    """Hold the clock: no slot passes but those that `pass_slots` lets pass."""
    async with database.connect() as connection:
        await connection.execute(
            text("UPDATE devnet SET slot_began_at = now() + interval '1 hour'")
        )


@pytest.fixture
def pass_slots(database, frozen):
    async def pass_slots(runner: SlotRunner, count: int):
        async with database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = now() - :ms * interval '1 ms'"),
                {"ms": count * SLOT_MS + SLOT_MS // 2},
            )
        run = await runner.run()
        async with database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = now() + interval '1 hour'")
            )
        return run

    return pass_slots


def sell(pool: str = "raydium:SOL-USDC", amount: int = 10**9, **given) -> SignedTransaction:
    defaults = {
        "venue": pool.partition(":")[0],
        "token_in": SOL.mint,
        "amount_in": amount,
        "hops": (Hop(USDC.mint, (PoolShare(pool, 1),)),),
        "min_amount_out": 1,
        "memo": "order",
        "nonce": 1,
        "last_valid_slot": 10**6,
    }
    return sign(SwapTransaction(**defaults | given))


async def circulating(database) -> list[tuple[str, int]]:
    async with database.connect() as connection:
        return [(row.mint, int(row.atoms)) for row in await connection.execute(CIRCULATING)]


async def send(database, ledger, *sent: SignedTransaction) -> None:
    """Send while the clock is held: everything lands in the next slot."""
    async with database.connect() as connection:
        await connection.execute(text("UPDATE devnet SET slot_began_at = now()"))
    await asyncio.gather(*(ledger.submit(each) for each in sent))


async def test_a_fresh_devnet_has_the_pools_of_genesis(ledger):
    book = await ledger.book()

    assert dict(book.pools) == GENESIS


async def test_a_trade_moves_the_pool_that_the_next_quote_is_made_of(database, ledger, pass_slots):
    before = (await ledger.book()).pools["raydium:SOL-USDC"]
    await send(database, ledger, sell(amount=2_500 * 10**9))

    run = await pass_slots(SlotRunner(database, STILL, slot_ms=SLOT_MS), 2)

    assert (run.settled, run.pools) == (1, ("raydium:SOL-USDC",))
    after = (await ledger.book()).pools["raydium:SOL-USDC"]
    (status,) = (await ledger.statuses([sell(amount=2_500 * 10**9).signature])).statuses.values()
    assert after.reserves.y == before.reserves.y - status.amount_out
    assert status.route[0].amount_out == status.amount_out
    assert len((await ledger.book()).pools) == len(GENESIS)


async def test_a_bin_pool_comes_back_from_its_row_as_it_was_written(
    database, hot, ledger, pass_slots
):
    runner = SlotRunner(database, STILL, slot_ms=SLOT_MS)
    await send(database, ledger, sell("meteora:SOL-USDC", 100 * 10**9))
    await pass_slots(runner, 2)
    fresh = PoolStore(database, hot, slot_ms=SLOT_MS)

    pools = (await fresh.book()).pools

    assert runner._known is not None
    assert pools == runner._known[1]
    assert pools["meteora:SOL-USDC"].state.active_id < GENESIS["meteora:SOL-USDC"].state.active_id


async def test_the_market_moves_slot_by_slot_and_every_token_stays(database, ledger, pass_slots):
    total = await circulating(database)
    runner = SlotRunner(database, MOVING, slot_ms=SLOT_MS)
    for n in range(10):
        await send(database, ledger, sell(nonce=n), sell("meteora:SOL-USDC", nonce=n))
        await pass_slots(runner, 3)

    assert await circulating(database) == total
    assert dict((await ledger.book()).pools) != GENESIS


async def test_two_runs_of_the_same_seed_and_transactions_end_alike_however_slots_are_bundled(
    database, hot, ledger, pass_slots
):
    await send(database, ledger, sell(), sell("meteora:SOL-USDC", 50 * 10**9))
    await pass_slots(SlotRunner(database, MOVING, slot_ms=SLOT_MS), 12)
    at_once = (await ledger.book()).pools
    await start_again(database)
    await send(database, ledger, sell(), sell("meteora:SOL-USDC", 50 * 10**9))
    runners = [SlotRunner(database, MOVING, slot_ms=SLOT_MS) for _ in range(2)]
    for n in (1, 2, 5, 4):
        await pass_slots(runners[n % 2], n)  # two processes by turns

    one_by_one = (await PoolStore(database, hot, slot_ms=SLOT_MS).book()).pools

    assert one_by_one == at_once


async def start_again(database) -> None:
    from models.database import transaction
    from models.devnet.pools import list_pools

    async with transaction(database) as connection:
        for statement in (
            "DELETE FROM pools",
            "DELETE FROM ledger_transactions",
            "UPDATE devnet SET slot = 0",
        ):
            await connection.execute(text(statement))
        await list_pools(connection, genesis_pools())


async def test_after_a_long_pause_the_market_moves_only_in_the_last_slots(
    database, ledger, pass_slots
):
    total = await circulating(database)

    run = await pass_slots(SlotRunner(database, MOVING, slot_ms=SLOT_MS), 10 * MAX_MARKET_SLOTS)

    assert run.slot == 10 * MAX_MARKET_SLOTS
    assert await circulating(database) == total


async def test_bytes_that_cannot_be_read_revert_and_do_not_stop_the_chain(
    database, ledger, pass_slots
):
    await send(database, ledger, sell(), sell(nonce=2))
    async with database.connect() as connection:
        await connection.execute(
            text("UPDATE ledger_transactions SET payload = 'x' WHERE signature = :signature"),
            {"signature": sell().signature},
        )

    run = await pass_slots(SlotRunner(database, STILL, slot_ms=SLOT_MS), 2)

    assert run.settled == 2
    statuses = (await ledger.statuses([sell().signature, sell(nonce=2).signature])).statuses
    assert statuses[sell().signature].code == "VENUE_REJECTED"
    assert statuses[sell(nonce=2).signature].amount_out


async def test_transactions_of_a_slot_execute_in_the_order_they_came(database, ledger, pass_slots):
    swaps = [sell(nonce=n, amount=100 * 10**9) for n in range(20)]
    for swap in swaps:
        await send(database, ledger, swap)
    await pass_slots(SlotRunner(database, STILL, slot_ms=SLOT_MS), 2)

    statuses = (await ledger.statuses([swap.signature for swap in swaps])).statuses
    amounts = [statuses[swap.signature].amount_out for swap in swaps]

    assert amounts == sorted(amounts, reverse=True)
    assert len(set(amounts)) == len(amounts)


async def test_two_thousand_transactions_are_settled_in_one_slot(database, ledger, pass_slots):
    pools = ["raydium:SOL-USDC", "meteora:SOL-USDC"]
    await send(database, ledger, *(sell(pools[n % 2], 10**7, nonce=n) for n in range(2_000)))
    started = time.monotonic()

    run = await pass_slots(SlotRunner(database, MOVING, slot_ms=SLOT_MS), 2)

    assert run.settled == 2_000
    assert time.monotonic() - started < 10 * REAL_SLOT_SECONDS
    async with database.connect() as connection:
        landed = await connection.scalar(
            text("SELECT count(*) FROM ledger_transactions WHERE outcome = 'LANDED' AND slot = 1")
        )
    assert landed == 2_000


async def test_a_slot_that_could_not_be_committed_is_run_again_on_the_pools_as_they_are(
    database, ledger, pass_slots, monkeypatch
):
    runner = SlotRunner(database, STILL, slot_ms=SLOT_MS)
    await send(database, ledger, sell())
    with monkeypatch.context() as broken:
        broken.setattr("models.devnet.slots.candles_of", lambda trades, time_of: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await pass_slots(runner, 2)
    assert dict((await ledger.book()).pools) == GENESIS

    await pass_slots(runner, 2)

    (status,) = (await ledger.statuses([sell().signature])).statuses.values()
    assert status.amount_out == 149_622_015


async def test_candles_tell_what_the_pools_did(database, ledger, pass_slots):
    store = CandleStore(database)
    runner = SlotRunner(database, STILL, slot_ms=SLOT_MS)
    await send(database, ledger, sell(amount=10**9), sell(amount=500 * 10**9, nonce=2))
    await pass_slots(runner, 2)

    (candle,) = await store.last(SOL, USDC, seconds=300, last=2)
    (turned,) = await store.last(USDC, SOL, seconds=300, last=2)

    assert candle.low == candle.close < candle.open == candle.high < 150
    assert candle.volume == 501 * 10**9
    assert turned.low < turned.high
    assert turned.open == 1 / candle.open
    assert turned.high == 1 / candle.low
    assert turned.volume == sum(
        status.amount_out
        for status in (
            await ledger.statuses(
                [sell(amount=10**9).signature, sell(amount=500 * 10**9, nonce=2).signature]
            )
        ).statuses.values()
    )
    assert await store.last(SOL, dataclasses.replace(USDC, mint="none"), seconds=5, last=500) == []


async def test_a_pair_listed_both_ways_round_has_one_candle_a_stretch(database):
    rows = [  # of one stretch: SOL/USDC twice, then USDC/SOL at the second one's moment and after
        (SOL, USDC, 0, ("100", "110", "90", "105"), 7, 700),
        (SOL, USDC, 5, ("105", "106", "95", "100"), 1, 100),
        (USDC, SOL, 5, ("0.01", "0.0125", "0.008", "0.0125"), 400, 4),
        (USDC, SOL, 10, ("0.0125", "0.0125", "0.01", "0.01"), 100, 1),
    ]
    insert = text("""
        INSERT INTO candles SELECT :x, :y, date_bin('1 day', now(), timestamptz 'epoch')
            + :after * interval '1 s', :open, :high, :low, :close, :volume_x, :volume_y""")
    async with database.connect() as connection:
        for x, y, after, prices, volume_x, volume_y in rows:
            names = zip(("open", "high", "low", "close"), map(Decimal, prices), strict=True)
            volumes = {"volume_x": volume_x, "volume_y": volume_y}
            tokens = {"x": x.mint, "y": y.mint, "after": after}
            await connection.execute(insert, {**tokens, **dict(names), **volumes})
    store = CandleStore(database)

    (candle,) = await store.last(SOL, USDC, seconds=86_400, last=2)
    (turned,) = await store.last(USDC, SOL, seconds=86_400, last=2)
    (_, both, _) = await store.last(SOL, USDC, seconds=5, last=17_280)

    assert (candle.open, candle.high, candle.low, candle.close) == (100, 125, 80, 100)
    assert candle.volume == 7 + 1 + 4 + 1
    assert (turned.open, turned.high, turned.low, turned.close) == (
        *(Decimal("0.01"), Decimal("0.0125"), Decimal("0.008"), Decimal("0.01")),
    )
    assert turned.volume == 700 + 100 + 400 + 100
    # Four SOL against one: the moment opens and closes where more was traded.
    assert (both.open, both.high, both.low, both.close) == (100, 125, 80, 80)


async def test_scheduled_launches_open_where_the_seed_has_them(database, hot, ledger, pass_slots):
    rules = Rules("test", market_moves=False, launch_every_slots=10)

    run = await pass_slots(SlotRunner(database, rules, slot_ms=SLOT_MS), 25)

    opened = {scheduled_launch("test", slot).id for slot in (10, 20)}
    assert set(run.pools) == opened
    pools = (await PoolStore(database, hot, slot_ms=SLOT_MS).book()).pools
    assert opened <= set(pools)
    assert pools["raydium:SOL-USDC"] == GENESIS["raydium:SOL-USDC"]
    again = await pass_slots(SlotRunner(database, rules, slot_ms=SLOT_MS), 4)
    assert again.pools == ()


def test_scheduled_launches_differ_by_seed_and_slot():
    launches = [scheduled_launch(seed, slot) for seed in ("a", "b") for slot in (1, 2, 3)]

    assert len({pool.token_x.mint for pool in launches}) == len(launches)
    assert all(is_mint(pool.token_x.mint) for pool in launches)
