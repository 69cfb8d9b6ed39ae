"""Time the devnet's slots against a Postgres of the bench's own."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.report import Report
from bench.stack import BenchFailed
from cli.stack.embedded import embedded_servers
from engine.devnet.chain import Rules
from engine.devnet.genesis import genesis_pools, genesis_rate
from engine.pools.swap import Direction
from engine.swaps.transaction import Hop, PoolShare, SwapTransaction, sign
from engine.tokens import SOL, USDC
from models.database import open_database
from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import SlotRunner
from models.hot import open_hot_pool
from models.migrate import upgrade

REAL_SLOT_MS = 400
_COUNTS = (0, 200, 2_000)
_REPEATS = 5

# So long that no slot ends while transactions are sent: each is made to end when all are there.
_SLOT_MS = 60_000
_END_SLOT = text("UPDATE devnet SET slot_began_at = now() - :ms * interval '1 ms'")
_BEGIN_SLOT = text("UPDATE devnet SET slot_began_at = now()")
_LANDED = text("SELECT count(*) FROM ledger_transactions WHERE outcome = 'LANDED' AND slot = :slot")


def time_slots() -> Report:
    """Time SlotRunner.run on a moving market, from the lock to the commit."""
    report = Report("One slot in Postgres")
    with _database_url() as url:
        took = asyncio.run(_time_slots(url))
    for count, ms in took.items():
        name = f"{count:,} transactions"
        report.add(f"{name}, median of {_REPEATS}", median(ms), "ms", at_most=REAL_SLOT_MS)
        report.add(f"{name}, longest", max(ms), "ms")
    return report


async def _time_slots(url: str) -> dict[int, list[float]]:
    async with (
        open_database(url, pool_size=2) as database,
        open_hot_pool(url, size=16) as hot,
    ):
        ledger = PostgresLedger(
            hot,
            PoolStore(database, hot, slot_ms=_SLOT_MS),
            seed="bench",
            slot_ms=_SLOT_MS,
            landing_slots_max=1,
            confirmation_slots=0,
        )
        runner = SlotRunner(database, Rules("bench"), slot_ms=_SLOT_MS)
        await _time_slot(database, ledger, runner, 0)  # reads all pools, as only the first one does
        return {
            count: [await _time_slot(database, ledger, runner, count) for _ in range(_REPEATS)]
            for count in _COUNTS
        }


async def _time_slot(
    database: AsyncEngine, ledger: PostgresLedger, runner: SlotRunner, count: int
) -> float:
    """Return the milliseconds that a slot takes in which `count` transactions land."""
    async with database.connect() as connection:
        await connection.execute(_BEGIN_SLOT)
    slot = await ledger.slot()
    await asyncio.gather(*(ledger.submit(sign(_swap(n, slot))) for n in range(count)))
    async with database.connect() as connection:
        await connection.execute(_END_SLOT, {"ms": _SLOT_MS})
    started = perf_counter()
    run = await runner.run()
    took = perf_counter() - started
    async with database.connect() as connection:
        landed = await connection.scalar(_LANDED, {"slot": slot + 1})
    if run is None or (run.slot, run.settled, landed) != (slot + 1, count, count):
        raise BenchFailed(f"{count} transactions were sent, {landed} landed: {run}")
    return took * 1000


_POOLS = [pool for pool in genesis_pools() if {SOL, USDC} & pool.tokens]


def _swap(n: int, slot: int) -> SwapTransaction:
    """Return a swap of some 15 dollars; over all pools, to and fro."""
    pool = _POOLS[n // 2 % len(_POOLS)]
    direction = tuple(Direction)[n % 2]
    paid, bought = pool.pays(direction), pool.buys(direction)
    return SwapTransaction(
        venue=pool.venue,
        token_in=paid.mint,
        amount_in=int(15 * 10**USDC.decimals / genesis_rate(paid, USDC)),
        hops=(Hop(bought.mint, (PoolShare(pool.id, 1),)),),
        min_amount_out=1,
        memo=f"{slot}-{n}",
        nonce=1,
        last_valid_slot=slot + 150,
    )


@contextmanager
def _database_url() -> Iterator[str]:
    directory = Path(tempfile.mkdtemp(prefix="order-engine-bench-"))
    directory.chmod(0o755)  # Postgres runs as another user where we are root
    try:
        with embedded_servers(directory) as (database_url, _):
            url = database_url.replace("postgresql://", "postgresql+asyncpg://")
            upgrade(url)
            yield url
    finally:
        shutil.rmtree(directory, ignore_errors=True)
