"""What resting limit orders cost, and how fast those that trigger are sent.

    python -m bench.waiting

For 10, 1,000 and 100,000 resting orders on six pairs: the time of a look at the market that wakes
nobody, in this process; then a real worker and clock, to whom 1,000 orders on one pair come within
reach at once.
"""

import asyncio
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import typer
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.report import Report, percentile
from bench.stack import BenchFailed, Engine, Servers, run_servers
from bench.usage import memory_mb
from engine.devnet.genesis import USD
from engine.tokens import BONK, JUP, RAY, SOL, USDC, USDT, Token
from models.database import open_database
from tasks.broker import broker
from tasks.open_resources import OpenResources
from tasks.watch_market import watch_market
from wiring.resources import open_resources
from wiring.settings import Settings

RESTING = (10, 1_000, 100_000)
PAIRS = ((SOL, USDC), (USDC, SOL), (SOL, USDT), (JUP, USDC), (RAY, USDC), (BONK, USDC))
TRIGGERED = 1_000
_REPEATS = 20
_PATIENCE_SECONDS = 60

# Limits from just out of reach to far away, as people leave them: none is met.
_REST = text("""
WITH resting AS (
    INSERT INTO orders (id, account, client_order_id, request_digest, request_id, type, status,
        token_in, token_out, amount_in, slippage_bps, min_amount_out, limit_price, expires_at,
        sequence, attempts, lease_until)
    SELECT id, 'local', id::text, '', '', 'LIMIT', 'WAITING_PRICE', :token_in, :token_out,
        :amount_in, 0, ceil(:amount_in * price * power(10::numeric, :decimals)), price,
        now() + interval '1 day', 2, 0, now()
    FROM (SELECT gen_random_uuid() AS id, :spot * (:nearest + n * 0.000001) AS price
          FROM generate_series(1, :count) n) asked
    RETURNING id, created_at
)
INSERT INTO order_events (order_id, sequence, status, previous_status, attempt, occurred_at)
SELECT id, n, CASE n WHEN 1 THEN 'PENDING' ELSE 'WAITING_PRICE' END,
    CASE n WHEN 2 THEN 'PENDING' END, 0, created_at
FROM resting CROSS JOIN generate_series(1, 2) n
""")
_SENT = text("""
SELECT DISTINCT ON (order_id)
    extract(epoch FROM sent.occurred_at - woken.occurred_at)::float8 * 1000 AS ms,
    extract(epoch FROM sent.occurred_at)::float8 AS at
FROM order_events woken JOIN order_events sent USING (order_id)
WHERE woken.previous_status = 'WAITING_PRICE' AND woken.status = 'ROUTING'
    AND sent.status = 'SUBMITTED' AND sent.sequence > woken.sequence
ORDER BY order_id, sent.sequence, woken.sequence DESC
""")
_ARRIVED = text("SELECT count(*) FROM ledger_transactions")


async def rest(database: AsyncEngine, count: int, *, nearest: str = "1.05") -> None:
    """Lay `count` limit orders over PAIRS, from `nearest` times the first price outwards."""
    for n, pair in enumerate(PAIRS):
        await _rest_on(database, pair, count // len(PAIRS) + (n < count % len(PAIRS)), nearest)
    async with database.connect() as connection:
        await connection.execute(text("VACUUM ANALYZE orders"))


async def _rest_on(
    database: AsyncEngine, pair: tuple[Token, Token], count: int, nearest: str
) -> None:
    token_in, token_out = pair
    worth = Decimal(USD[token_in])
    async with database.connect() as connection:
        await connection.execute(
            _REST,
            {
                "token_in": token_in.mint,
                "token_out": token_out.mint,
                "amount_in": int(Decimal(10) / worth * 10**token_in.decimals),
                "decimals": token_out.decimals - token_in.decimals,
                "spot": worth / Decimal(USD[token_out]),
                "nearest": Decimal(nearest),
                "count": count,
            },
        )


async def time_looks(servers: Servers, report: Report) -> None:
    """Time a look at the market that wakes nobody."""
    for count in RESTING:
        name = f"resting_{count}"
        await servers.create_database(name)
        settings = Settings(DATABASE_URL=servers.database_url(name), REDIS_URL=servers.redis_url)
        async with open_resources(settings, StubBroker()) as resources:
            await rest(resources.database, count)
            _middleware().use(resources)
            took = []
            for _ in range(_REPEATS):
                began = time.perf_counter()
                await watch_market.fn.__wrapped__()  # type: ignore[attr-defined]
                took.append((time.perf_counter() - began) * 1_000)
            waiting = await _count(resources.database, "WAITING_PRICE")
        if waiting != count:
            raise BenchFailed(f"{count - waiting} orders were woken")
        report.add(f"look at {count:,} resting, median", median(took), "ms", at_most=50)
        report.add(f"look at {count:,} resting, longest", max(took), "ms")


async def time_triggers(servers: Servers, report: Report, resting: int) -> None:
    """Have a thousand orders come within reach at once, beside `resting` that do not."""
    name = f"triggered_{resting}"
    await servers.create_database(name)
    engine = Engine(servers, name, {"market_moves": "false", "log_level": "WARNING"})
    async with open_database(engine.database_url, pool_size=2) as database:
        await rest(database, resting)
        await _rest_on(database, (SOL, USDC), TRIGGERED, nearest="1.0005")
        try:
            engine.start("api", "worker-1", "clock")
            await engine.ready()
            await _lift_the_market(engine.url)
            sent = await _wait_for_sent(database, engine)
            memory = memory_mb(engine.processes())
        finally:
            engine.stop()
    took = [row.ms for row in sent]
    beside = f"1,000 triggered beside {resting:,}"
    report.add(f"{beside}: trigger to SUBMITTED, p50", percentile(took, 50), "ms")
    report.add(f"{beside}: p99", percentile(took, 99), "ms")
    all_of_them = max(row.at for row in sent) - min(row.at - row.ms / 1_000 for row in sent)
    report.add(f"{beside}: first trigger to last SUBMITTED", all_of_them, "s", at_most=10)
    for process in ("api", "worker-1"):
        report.add(f"{beside}: memory of {process}", memory[process], "MB")


async def _lift_the_market(url: str) -> None:
    """Buy SOL until every one of the thousand is well within reach."""
    order = {"tokenIn": "USDC", "tokenOut": "SOL", "amount": "400000", "slippageBps": 5_000}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            url,
            json={
                "query": "mutation($input: ExecuteMarketOrderInput!) "
                "{ executeMarketOrder(input: $input) { userErrors { message } } }",
                "variables": {"input": order},
            },
        )
    if answer.json().get("data", {}).get("executeMarketOrder", {}).get("userErrors") != []:
        raise BenchFailed(answer.text)


async def _wait_for_sent(database: AsyncEngine, engine: Engine) -> Sequence[Row[Any]]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    sent: Sequence[Row[Any]] = ()
    while time.monotonic() < deadline:
        async with database.connect() as connection:
            # The ledger is small: looking at it often does not disturb what is measured.
            if (await connection.scalar(_ARRIVED) or 0) > TRIGGERED:
                sent = (await connection.execute(_SENT)).all()
        if len(sent) >= TRIGGERED:
            return sent
        engine.processes()  # raises where one died
        await asyncio.sleep(0.1)
    raise BenchFailed(f"only {len(sent)} of {TRIGGERED} were sent; {dict(engine.complaints())}")


async def _count(database: AsyncEngine, status: str) -> int:
    async with database.connect() as connection:
        count = await connection.scalar(
            text("SELECT count(*) FROM orders WHERE status = :status"), {"status": status}
        )
    return int(count or 0)


def _middleware() -> OpenResources:
    return next(m for m in broker.middleware if isinstance(m, OpenResources))


async def _run() -> Report:
    report = Report("Waiting orders")
    with run_servers() as servers:
        await time_looks(servers, report)
        for resting in RESTING:
            await time_triggers(servers, report, resting)
    return report


def main() -> None:
    """Print the table."""
    report = asyncio.run(_run())
    report.show()
    report.write(Path(".bench/waiting.json"))


if __name__ == "__main__":
    typer.run(main)
