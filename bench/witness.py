"""What Postgres says of a run: whether it is over, how long it took, and whether it is true."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.load import Submitted
from bench.stack import BenchFailed
from engine.devnet.genesis import genesis_pools

_POLL_SECONDS = 0.5
_STUCK_SECONDS = 45

# As the engine's own index on them says it: it is asked again and again.
_UNFINISHED = "SELECT count(*) FROM orders WHERE ended_as IS NULL AND waits IS NULL"
_STUCK = """
SELECT status || ' x' || count(*) || ', e.g. ' || min(id::text) FROM orders
WHERE completed_at IS NULL GROUP BY status
"""
_LAST_EVENT = """
orders o LEFT JOIN LATERAL (
    SELECT * FROM order_events WHERE order_id = o.id ORDER BY sequence DESC LIMIT 1
) e ON true
"""
# Each counts orders, or transactions, that break a promise.
_BROKEN = {
    "orders not CONFIRMED": "SELECT count(*) FROM orders WHERE status <> 'CONFIRMED'",
    "orders whose events have a gap": """
        SELECT count(*) FROM (SELECT FROM order_events GROUP BY order_id
        HAVING min(sequence) <> 1 OR max(sequence) <> count(*)) gaps""",
    "orders that are not as their last event says": f"""
        SELECT count(*) FROM {_LAST_EVENT} WHERE (o.sequence, o.status, o.attempts, o.venue,
        o.tx_signature, o.executed_price, o.amount_out, o.updated_at) IS DISTINCT FROM (e.sequence,
        e.status, e.attempt, e.venue, e.tx_signature, e.executed_price, e.amount_out,
        e.occurred_at)""",
    "CONFIRMED orders without exactly one landed transaction": """
        SELECT count(*) FROM orders o WHERE status = 'CONFIRMED' AND 1 <> (SELECT count(*)
        FROM ledger_transactions WHERE memo = o.id::text AND outcome = 'LANDED')""",
    "landed transactions whose legs do not add up to their amounts": """
        SELECT count(*) FROM ledger_transactions t WHERE outcome = 'LANDED' AND (amount_in,
        amount_out) IS DISTINCT FROM (
            (SELECT sum((leg->>'amount_in')::numeric) FROM jsonb_array_elements(route) leg
            WHERE leg->>'token_in' = t.token_in),
            (SELECT sum((leg->>'amount_out')::numeric) FROM jsonb_array_elements(route) leg
            WHERE leg->>'token_out' = t.token_out))""",
    "landed transactions of no CONFIRMED order, or of other amounts": """
        SELECT count(*) FROM ledger_transactions t LEFT JOIN orders o ON o.id = t.memo::uuid
        WHERE t.outcome = 'LANDED' AND (o.status, o.tx_signature, o.amount_in, o.amount_out,
        o.fee, o.slot) IS DISTINCT FROM ('CONFIRMED', t.signature, t.amount_in, t.amount_out,
        t.fee, t.slot)""",
}
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
_COUNTED = {
    "orders": "SELECT count(*) FROM orders",
    "events": "SELECT count(*) FROM order_events",
    "second_attempts": "SELECT count(*) FROM orders WHERE attempts > 1",
    "workers_lost": "SELECT count(*) FROM order_events WHERE failure->>'code' = 'WORKER_LOST'",
}
# By the index on the history, so that it costs the same however many orders there are.
_REACHED = text("""
SELECT client_order_id, extract(epoch FROM max(e.occurred_at))::float8 AS at
FROM orders o JOIN order_events e ON e.order_id = o.id AND e.status = :status
WHERE account = 'local' AND o.created_at > to_timestamp(:since)
    AND starts_with(client_order_id, :prefix)
GROUP BY client_order_id
""")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run that kept every promise, and what it took beyond the least."""

    orders: int
    events: int
    second_attempts: int
    workers_lost: int


async def wait_until_done(database_url: str) -> None:
    """Return once every order has ended. Raises BenchFailed when none does for long."""
    least, since = None, time.monotonic()
    async with _connection(database_url) as connection:
        while left := (await _column(connection, _UNFINISHED))[0]:
            if least is None or left < least:
                least, since = left, time.monotonic()
            elif time.monotonic() - since > _STUCK_SECONDS:
                stuck = await _column(connection, _STUCK)
                raise BenchFailed(f"no order ended for {_STUCK_SECONDS} s; stuck: {stuck}")
            await asyncio.sleep(_POLL_SECONDS)


async def reached_at(database_url: str, submitted: Submitted, status: str) -> dict[str, float]:
    """Return when each order of a load reached this status, in seconds since the epoch.

    Client and Postgres run on one machine, so their clocks are one.
    """
    asked = {"prefix": f"{submitted.prefix}-", "since": submitted.began - 1, "status": status}
    async with _connection(database_url) as connection:
        return {row.client_order_id: row.at for row in await connection.execute(_REACHED, asked)}


async def count_orders(database_url: str, status: str) -> int:
    """Return how many orders have this status."""
    async with _connection(database_url) as connection:
        query = text("SELECT count(*) FROM orders WHERE status = :status")
        return int(await connection.scalar(query, {"status": status}) or 0)


async def verify(database_url: str, *, orders: int) -> Verdict:
    """Return the verdict on `orders` orders. Raises BenchFailed naming every broken promise."""
    async with _connection(database_url) as connection:
        counts = {name: (await _column(connection, query))[0] for name, query in _COUNTED.items()}
        broken = {name: (await _column(connection, query))[0] for name, query in _BROKEN.items()}
        held = {row.mint: int(row.atoms) for row in await connection.execute(CIRCULATING)}
    verdict = Verdict(**counts)
    made_or_lost = {mint for mint, _ in held.items() ^ _issued().items()}
    broken["tokens with atoms made or lost"] = len(made_or_lost)
    said = [f"{count} {name}" for name, count in broken.items() if count]
    if verdict.orders != orders:
        said.append(f"{verdict.orders} orders where {orders} were accepted")
    if said:
        raise BenchFailed("; ".join(said))
    return verdict


def _issued() -> Counter[str]:
    """Return the atoms of each token that the devnet began with."""
    issued: Counter[str] = Counter()
    for pool in genesis_pools():
        issued[pool.token_x.mint] += pool.reserves.x
        issued[pool.token_y.mint] += pool.reserves.y
    return issued


async def _column(connection: AsyncConnection, query: str) -> list[Any]:
    return list((await connection.execute(text(query))).scalars())


@asynccontextmanager
async def _connection(database_url: str) -> AsyncIterator[AsyncConnection]:
    # Not the engine's own pool: its limits are for short statements by key.
    database = create_async_engine(database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with database.connect() as connection:
        yield connection
