"""Cancel against a real worker: each order is canceled or filled, never both, never neither."""

import asyncio
import random
from collections import Counter

import pytest
from dramatiq import Worker
from sqlalchemy import text

from tasks.actors import broker
from tests.tasks.conftest import middleware
from tests.tasks.devnet import devnet_on
from wiring.settings import Settings

RACES = 1_000
AT_ONCE = 50
QUOTE_MS = 100
"""What the worker takes at the least for as many orders as it has threads."""

SEED = 20_251
DEADLINE_SECONDS = 60

# What each order came to, by the engine and by the ledger, which knows nothing of orders.
_OUTCOMES = text("""
SELECT o.id::text, o.status, count(t.signature) AS rows,
    count(*) FILTER (WHERE t.outcome = 'LANDED') AS landed
FROM orders o LEFT JOIN ledger_transactions t ON t.memo = o.id::text GROUP BY o.id
""")


async def test_a_thousand_cancels_each_win_or_lose_against_the_worker(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(SEED)
    broker.flush_all()
    answers: dict[str, str] = {}
    changes = {"worker_threads": 16, "sweep_interval_ms": 200, "quote_latency_ms": QUOTE_MS}
    async with devnet_on(settings, **changes) as net:
        resources = net.resources
        monkeypatch.setattr(middleware(), "_settings", resources.settings)
        worker = Worker(broker, worker_timeout=10, worker_threads=16)
        worker.start()  # with resources of its own, on the same database
        try:

            async def race(n: int) -> None:
                kind = n % 3
                if kind == 0:
                    id = await net.limit("0.01", "149")  # at once in reach
                else:
                    id = await net.place("0.01", venues=["raydium"] if kind == 1 else None)
                await asyncio.sleep(chance.uniform(0, 4 * QUOTE_MS / 1000))
                payload = await net.cancel(id)
                refused = [error["code"] for error in payload["userErrors"]]
                answers[id] = refused[0] if refused else "CANCELED"

            for start in range(0, RACES, AT_ONCE):
                await asyncio.gather(*(race(n) for n in range(start, start + AT_ONCE)))
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await resources.orders.in_progress():
                    await asyncio.sleep(0.05)
        finally:
            middleware().use(resources)
            await asyncio.to_thread(worker.stop, timeout=10_000)
            broker.flush_all()
        middleware().use(resources)
        await net.slots(10)
        async with resources.database.connect() as connection:
            outcomes = (await connection.execute(_OUTCOMES)).all()

    found = Counter((answers[row.id], row.status, row.rows, row.landed) for row in outcomes)
    assert set(found) <= {
        ("CANCELED", "CANCELED", 0, 0),
        ("ORDER_NOT_CANCELABLE", "CONFIRMED", 1, 1),
    }
    assert sum(found.values()) == RACES
    assert min(found.values()) >= RACES / 20, found  # both happened, often
