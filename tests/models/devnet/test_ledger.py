"""The ledger: a signature executes once, ever; slots run one at a time and miss nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.devnet.chain import Rules
from engine.errors import EngineError, ErrorCode
from engine.swaps.transaction import (
    Hop,
    PoolShare,
    SignedTransaction,
    SwapTransaction,
    TransactionState,
    sign,
)
from engine.tokens import SOL, USDC
from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import SlotRun, SlotRunner
from models.hot import HotPool

SWAP = SwapTransaction(
    venue="raydium",
    token_in=SOL.mint,
    amount_in=10**9,
    hops=(Hop(USDC.mint, (PoolShare("raydium:SOL-USDC", 1),)),),
    min_amount_out=1,
    memo="order-1",
    nonce=1,
    last_valid_slot=150,
)
SLOT_MS = 3_600_000  # so long that none passes but those a test lets pass


@pytest.fixture
def ledger(database: AsyncEngine, hot: HotPool) -> PostgresLedger:
    return ledger_on(database, hot)


def ledger_on(database: AsyncEngine, hot: HotPool, slot_ms: int = SLOT_MS) -> PostgresLedger:
    return PostgresLedger(
        hot,
        PoolStore(database, hot, slot_ms=slot_ms),
        seed="test",
        slot_ms=slot_ms,
        landing_slots_max=3,
        confirmation_slots=5,
    )


def runner_on(database: AsyncEngine, slot_ms: int = SLOT_MS) -> SlotRunner:
    return SlotRunner(database, Rules("test", market_moves=False), slot_ms=slot_ms)


@pytest.fixture
def runner(database: AsyncEngine) -> SlotRunner:
    return runner_on(database)


@pytest.fixture
def pass_slots(
    database: AsyncEngine, runner: SlotRunner
) -> Callable[[int], Awaitable[SlotRun | None]]:
    """Let slots pass by moving the beginning of the present one into the past, and run them."""

    async def pass_slots(count: int) -> SlotRun | None:
        async with database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = slot_began_at - :ms * interval '1 ms'"),
                {"ms": count * SLOT_MS},
            )
        return await runner.run()

    return pass_slots


async def state(ledger: PostgresLedger, signed: SignedTransaction) -> str | None:
    report = await ledger.statuses([signed.signature])
    status = report.statuses.get(signed.signature)
    return None if status is None else status.state


async def test_a_transaction_lands_in_one_to_three_slots_and_is_confirmed_five_later(
    ledger: PostgresLedger, pass_slots: Callable[[int], Awaitable[SlotRun | None]]
) -> None:
    signed = sign(SWAP)
    await ledger.submit(signed)
    assert await state(ledger, signed) is TransactionState.PENDING

    await pass_slots(3)
    report = await ledger.statuses([signed.signature])
    landed = report.statuses[signed.signature]
    assert landed.state is TransactionState.LANDED
    assert (landed.amount_out, landed.fee) == (149_622_015, 2_500_000)
    assert landed.slot in (1, 2, 3)

    await pass_slots(5)
    assert await state(ledger, signed) is TransactionState.CONFIRMED


async def test_the_same_bytes_ten_times_before_and_after_landing_execute_once(
    ledger: PostgresLedger,
    pass_slots: Callable[[int], Awaitable[SlotRun | None]],
    database: AsyncEngine,
) -> None:
    signed = sign(SWAP)
    await asyncio.gather(*(ledger.submit(signed) for _ in range(10)))
    await pass_slots(3)
    await asyncio.gather(*(ledger.submit(signed) for _ in range(10)))
    await pass_slots(3)

    async with database.connect() as connection:
        rows = await connection.execute(text("SELECT outcome, slot FROM ledger_transactions"))
        ((outcome, slot),) = rows.all()
    assert outcome == "LANDED"
    assert slot <= 3


async def test_below_its_floor_a_transaction_reverts(
    ledger: PostgresLedger, pass_slots: Callable[[int], Awaitable[SlotRun | None]]
) -> None:
    signed = sign(replace(SWAP, min_amount_out=149_622_016))
    await ledger.submit(signed)
    await pass_slots(3)

    status = (await ledger.statuses([signed.signature])).statuses[signed.signature]

    assert (status.state, status.code) == (TransactionState.REVERTED, ErrorCode.SLIPPAGE_EXCEEDED)
    assert status.amount_out is None


async def test_a_sender_that_slept_through_the_validity_cannot_trade_any_more(
    ledger: PostgresLedger, pass_slots: Callable[[int], Awaitable[SlotRun | None]]
) -> None:
    late = sign(replace(SWAP, last_valid_slot=2))
    await pass_slots(3)

    with pytest.raises(EngineError) as refused:
        await ledger.submit(late)

    assert refused.value.code is ErrorCode.TRANSACTION_EXPIRED
    assert await state(ledger, late) is None


async def test_sending_again_what_landed_is_no_error_even_when_its_validity_is_over(
    ledger: PostgresLedger, pass_slots: Callable[[int], Awaitable[SlotRun | None]]
) -> None:
    signed = sign(replace(SWAP, last_valid_slot=4))
    await ledger.submit(signed)
    await pass_slots(10)

    await ledger.submit(signed)

    assert await state(ledger, signed) is TransactionState.CONFIRMED


async def test_a_transaction_due_after_its_last_slot_expires(
    ledger: PostgresLedger, pass_slots: Callable[[int], Awaitable[SlotRun | None]]
) -> None:
    signed = sign(replace(SWAP, last_valid_slot=0))
    await ledger.submit(signed)

    await pass_slots(3)

    assert await state(ledger, signed) is TransactionState.EXPIRED


async def test_one_expired_among_many_is_refused_alone(
    ledger: PostgresLedger, pass_slots: Callable[[int], Awaitable[SlotRun | None]]
) -> None:
    await pass_slots(3)
    good, late = sign(SWAP), sign(replace(SWAP, last_valid_slot=1, nonce=2))

    answers = await asyncio.gather(ledger.submit(good), ledger.submit(late), return_exceptions=True)

    assert answers[0] is None
    assert isinstance(answers[1], EngineError)


async def test_slots_missed_while_nobody_ran_them_are_caught_up(
    ledger: PostgresLedger, pass_slots: Callable[[int], Awaitable[SlotRun | None]]
) -> None:
    signed = sign(SWAP)
    await ledger.submit(signed)

    await pass_slots(1_000)

    status = (await ledger.statuses([signed.signature])).statuses[signed.signature]
    assert (await ledger.slot(), status.slot) >= (1_000, 1)
    assert status.state is TransactionState.CONFIRMED
    assert status.slot is not None
    assert status.slot <= 3


async def test_two_clocks_never_run_a_slot_twice(database: AsyncEngine, hot: HotPool) -> None:
    early = [runner_on(database, slot_ms=120_000) for _ in range(10)]
    due = [runner_on(database, slot_ms=60_000) for _ in range(10)]
    async with database.connect() as connection:
        await connection.execute(text("UPDATE devnet SET slot_began_at = now() - interval '60 s'"))

    ran = await asyncio.gather(*(each.run() for each in early))
    ran_at_last = await asyncio.gather(*(each.run() for each in due))

    assert ran == [None] * 10
    assert [run.slot for run in ran_at_last if run is not None] == [1]
    assert await ledger_on(database, hot, slot_ms=60_000).slot() == 1


async def test_after_a_pause_a_transaction_lands_in_slots_to_come_not_in_those_missed(
    database: AsyncEngine,
    ledger: PostgresLedger,
    runner: SlotRunner,
    pass_slots: Callable[[int], Awaitable[SlotRun | None]],
) -> None:
    async with database.connect() as connection:
        await connection.execute(
            text("UPDATE devnet SET slot_began_at = now() - 100 * interval '1 hour'")
        )
    signed = sign(SWAP)

    await ledger.submit(signed)
    await runner.run()

    assert await ledger.slot() == 100
    assert await state(ledger, signed) is TransactionState.PENDING
    await pass_slots(3)
    assert await state(ledger, signed) is TransactionState.LANDED
