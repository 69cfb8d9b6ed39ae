"""Slots against Postgres: pools that answer to trades, and never an atom more or less."""

import time

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.devnet.chain import Rules
from engine.devnet.launch import scheduled_launch
from engine.pools.dlmm import DlmmPool
from engine.tokens import is_mint
from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import MAX_MARKET_SLOTS, SlotRunner
from models.hot import HotPool
from tests.models.devnet.chain import (
    GENESIS,
    MOVING,
    SLOT_MS,
    STILL,
    PassSlots,
    circulating,
    sell,
    send,
    start_again,
)

REAL_SLOT_SECONDS = 0.4


async def test_a_fresh_devnet_has_the_pools_of_genesis(ledger: PostgresLedger) -> None:
    book = await ledger.book()

    assert dict(book.pools) == GENESIS


async def test_a_trade_moves_the_pool_that_the_next_quote_is_made_of(
    database: AsyncEngine, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
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
    database: AsyncEngine, hot: HotPool, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
    runner = SlotRunner(database, STILL, slot_ms=SLOT_MS)
    await send(database, ledger, sell("meteora:SOL-USDC", 100 * 10**9))
    await pass_slots(runner, 2)
    fresh = PoolStore(database, hot, slot_ms=SLOT_MS)

    pools = (await fresh.book()).pools

    assert runner._known is not None
    assert pools == runner._known[1]
    now, before = (book["meteora:SOL-USDC"].state for book in (pools, GENESIS))
    assert isinstance(now, DlmmPool)
    assert isinstance(before, DlmmPool)
    assert now.active_id < before.active_id


async def test_the_market_moves_slot_by_slot_and_every_token_stays(
    database: AsyncEngine, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
    total = await circulating(database)
    runner = SlotRunner(database, MOVING, slot_ms=SLOT_MS)
    for n in range(10):
        await send(database, ledger, sell(nonce=n), sell("meteora:SOL-USDC", nonce=n))
        await pass_slots(runner, 3)

    assert await circulating(database) == total
    assert dict((await ledger.book()).pools) != GENESIS


async def test_two_runs_of_the_same_seed_and_transactions_end_alike_however_slots_are_bundled(
    database: AsyncEngine, hot: HotPool, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
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


async def test_after_a_long_pause_the_market_moves_only_in_the_last_slots(
    database: AsyncEngine, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
    total = await circulating(database)

    run = await pass_slots(SlotRunner(database, MOVING, slot_ms=SLOT_MS), 10 * MAX_MARKET_SLOTS)

    assert run.slot == 10 * MAX_MARKET_SLOTS
    assert await circulating(database) == total


async def test_bytes_that_cannot_be_read_revert_and_do_not_stop_the_chain(
    database: AsyncEngine, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
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


async def test_transactions_of_a_slot_execute_in_the_order_they_came(
    database: AsyncEngine, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
    swaps = [sell(nonce=n, amount=100 * 10**9) for n in range(20)]
    for swap in swaps:
        await send(database, ledger, swap)
    await pass_slots(SlotRunner(database, STILL, slot_ms=SLOT_MS), 2)

    statuses = (await ledger.statuses([swap.signature for swap in swaps])).statuses
    amounts = [statuses[swap.signature].amount_out for swap in swaps]

    assert amounts == sorted(amounts, reverse=True)
    assert len(set(amounts)) == len(amounts)


async def test_two_thousand_transactions_are_settled_in_one_slot(
    database: AsyncEngine, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
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
    database: AsyncEngine,
    ledger: PostgresLedger,
    pass_slots: PassSlots,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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


async def test_scheduled_launches_open_where_the_seed_has_them(
    database: AsyncEngine, hot: HotPool, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
    rules = Rules("test", market_moves=False, launch_every_slots=10)

    run = await pass_slots(SlotRunner(database, rules, slot_ms=SLOT_MS), 25)

    opened = {scheduled_launch("test", slot).id for slot in (10, 20)}
    assert set(run.pools) == opened
    pools = (await PoolStore(database, hot, slot_ms=SLOT_MS).book()).pools
    assert opened <= set(pools)
    assert pools["raydium:SOL-USDC"] == GENESIS["raydium:SOL-USDC"]
    again = await pass_slots(SlotRunner(database, rules, slot_ms=SLOT_MS), 4)
    assert again.pools == ()


def test_scheduled_launches_differ_by_seed_and_slot() -> None:
    launches = [scheduled_launch(seed, slot) for seed in ("a", "b") for slot in (1, 2, 3)]

    assert len({pool.token_x.mint for pool in launches}) == len(launches)
    assert all(is_mint(pool.token_x.mint) for pool in launches)
