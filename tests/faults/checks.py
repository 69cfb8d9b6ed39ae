"""What is true after a run, by SQL and from the clients' own records; the engine is not asked.

Each check returns what breaks its promise; nothing is good.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from bench.witness import CIRCULATING
from engine.devnet.genesis import genesis_pools
from tests.faults.hooks import POISON
from tests.faults.record import Record, is_poison

_LAST_EVENT = """
orders o LEFT JOIN LATERAL (
    SELECT * FROM order_events WHERE order_id = o.id ORDER BY sequence DESC LIMIT 1
) e ON true
"""
_BROKEN = {
    # G1
    "orders that did not end": """
        SELECT id::text || ' ' || status FROM orders
        WHERE status NOT IN ('CONFIRMED', 'FAILED', 'CANCELED', 'EXPIRED')""",
    # G2
    "orders of one clientOrderId": """
        SELECT client_order_id FROM orders GROUP BY account, client_order_id HAVING count(*) > 1""",
    # G3: no step outside of the table, and each from where the one before it led
    "steps from elsewhere than the last": """
        SELECT order_id::text || ' ' || sequence FROM (SELECT *, lag(status) OVER
            (PARTITION BY order_id ORDER BY sequence) AS came_from FROM order_events) e
        WHERE previous_status IS DISTINCT FROM came_from""",
    # G4
    "orders whose events have a gap": """
        SELECT order_id::text FROM order_events GROUP BY order_id
        HAVING min(sequence) <> 1 OR max(sequence) <> count(*)""",
    "orders that are not as their last event says": f"""
        SELECT o.id::text FROM {_LAST_EVENT} WHERE (o.sequence, o.status, o.attempts,
        o.executed_price, o.amount_out, o.updated_at) IS DISTINCT FROM (e.sequence, e.status,
        e.attempt, e.executed_price, e.amount_out, e.occurred_at)""",
    # G5
    "landed twice": """
        SELECT memo FROM ledger_transactions WHERE outcome = 'LANDED'
        GROUP BY memo HAVING count(*) > 1""",
    "CONFIRMED orders without a landed transaction": """
        SELECT id::text FROM orders o WHERE status = 'CONFIRMED' AND NOT EXISTS (SELECT FROM
        ledger_transactions WHERE memo = o.id::text AND outcome = 'LANDED')""",
    "landed transactions other than the CONFIRMED orders', to the atom": """
        SELECT t.memo || ' ' || coalesce(o.status, 'unknown') FROM ledger_transactions t
        LEFT JOIN orders o ON o.id = t.memo::uuid
        WHERE t.outcome = 'LANDED' AND (o.status, o.tx_signature, o.amount_in, o.amount_out, o.fee,
        o.slot) IS DISTINCT FROM ('CONFIRMED', t.signature, t.amount_in, t.amount_out, t.fee,
        t.slot)""",
    "orders filled below the least they accept": """
        SELECT id::text FROM orders WHERE status = 'CONFIRMED'
        AND amount_out < min_amount_out""",
    "orders FAILED by a bug (INTERNAL)": """
        SELECT id::text || ' ' || (failure->>'message') FROM orders
        WHERE failure->>'code' = 'INTERNAL'""",
}
_EVENTS = """
SELECT order_id::text AS id, sequence, status, attempt, occurred_at FROM order_events
ORDER BY order_id, sequence
"""
_WORKERS_LOST = f"""
SELECT id::text FROM orders WHERE failure->>'code' = 'WORKER_LOST' AND status = 'FAILED'
AND client_order_id NOT LIKE '{POISON}%' AND completed_at < to_timestamp($1)
"""
_IN_FLIGHT = f"""
SELECT extract(epoch FROM after.occurred_at)::float8 - $1::float8 AS seconds,
    before.order_id::text || ' ' || before.status || ' ' || before.attempt AS place
FROM order_events before JOIN order_events after
    ON after.order_id = before.order_id AND after.sequence = before.sequence + 1
JOIN orders o ON o.id = before.order_id
WHERE before.occurred_at <= to_timestamp($1::float8) AND after.occurred_at > to_timestamp($1)
    AND before.status NOT IN ('WAITING_PRICE', 'WAITING_POOL')
    AND o.client_order_id NOT LIKE '{POISON}%'
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is broken, by check; and how orders ended, for people."""

    broken: dict[str, list[str]]
    ended: Counter[str]


async def verify(
    database: asyncpg.Connection,
    records: Sequence[Record],
    *,
    unfollowed: Sequence[Record],
    mixed_from: float,
) -> Verdict:
    """Check every promise that can be checked after a run."""
    broken = {
        name: [row[0] for row in await database.fetch(query)] for name, query in _BROKEN.items()
    }
    stored: dict[str, list[tuple[int, str, int, datetime]]] = defaultdict(list)
    for row in await database.fetch(_EVENTS):
        stored[row["id"]].append(tuple(row)[1:])
    rows = {row["id"]: row for row in await database.fetch("SELECT *, id::text AS id FROM orders")}
    broken |= {
        "orders that were answered and are not there": [
            f"{record.client_order_id} {id}"
            for record in (*records, *unfollowed)
            for id in record.ids
            if id not in rows or rows[id]["client_order_id"] != record.client_order_id
        ],
        "ids other than the first given for a clientOrderId": [
            f"{record.client_order_id} {record.ids}"
            for record in (*records, *unfollowed)
            if len(record.ids) > 1
        ],
        "streams that did not end": [
            f"{record.id} at {record.status}"
            for record in records
            if record.id is not None and not record.ended
        ],
        "what a client should not have seen: a gap, a double, an early end, a lost order": [
            f"{record.id} {record.wrong}" for record in records if record.wrong
        ],
        "streams that are not what is stored": list(_not_as_stored(records, stored)),
        "cancels that were answered with what is not so": [
            f"{record.id} {record.cancel_said}"
            for record in records
            if record.cancel_said is not None
            and (record.cancel_said == "CANCELED") != (record.status == "CANCELED")
        ],
        "poisonous orders that did not fail": [
            f"{record.id} {record.status}"
            for record in records
            if is_poison(record) and record.status != "FAILED"
        ],
        "orders that failed for their workers, of which one fault takes too few": [
            row[0] for row in await database.fetch(_WORKERS_LOST, mixed_from)
        ],
        "atoms made or lost": await _made_or_lost(database),
    }
    ended = Counter(
        row["status"] + (f" {code}" if (code := _code(row["failure"])) else "")
        for row in rows.values()
    )
    return Verdict({name: found for name, found in broken.items() if found}, ended)


async def recoveries(database: asyncpg.Connection, since: float) -> list[tuple[float, str]]:
    """Return, for each order in flight at an instant, how long after it its next step came.

    With it comes where the order stood. Orders that rest until the market comes to them owe nobody
    a step, and those that kill their workers are meant not to recover.
    """
    return [tuple(row) for row in await database.fetch(_IN_FLIGHT, since)]


async def owed(database: asyncpg.Connection, since: float) -> int:
    """Count the orders that somebody owes a step since then."""
    return int(
        await database.fetchval(
            "SELECT count(*) FROM orders WHERE updated_at <= to_timestamp($1) "
            "AND status IN ('PENDING', 'ROUTING', 'BUILDING', 'SUBMITTED') "
            f"AND client_order_id NOT LIKE '{POISON}%'",
            since,
        )
    )


async def in_progress(database: asyncpg.Connection) -> int:
    """Count the orders that a worker has to do something for."""
    return int(
        await database.fetchval(
            "SELECT count(*) FROM orders WHERE status IN ('PENDING', 'ROUTING', 'BUILDING')"
        )
    )


async def all_terminal(database: asyncpg.Connection, seconds: float) -> bool:
    """Wait until every order has ended; say whether that was in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while await database.fetchval(f"SELECT EXISTS ({_BROKEN['orders that did not end']})"):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


def _not_as_stored(
    records: Iterable[Record], stored: dict[str, list[tuple[int, str, int, datetime]]]
) -> Iterable[str]:
    for record in records:
        if record.id is None:
            continue
        seen = [(n, s, a, datetime.fromisoformat(at)) for n, s, a, at in record.events]
        kept = stored[record.id]
        if (record.ended and seen != kept) or seen != kept[: len(seen)]:
            yield f"{record.id} saw {[e[:2] for e in seen]}, stored {[e[:2] for e in kept]}"


async def _made_or_lost(database: asyncpg.Connection) -> list[str]:
    issued: Counter[str] = Counter()
    for pool in genesis_pools():
        issued[pool.token_x.mint] += pool.reserves.x
        issued[pool.token_y.mint] += pool.reserves.y
    held = {row["mint"]: int(row["atoms"]) for row in await database.fetch(str(CIRCULATING))}
    return sorted({mint for mint, _ in held.items() ^ issued.items()})


def _code(failure: str | None) -> str | None:
    import json

    return None if failure is None else str(json.loads(failure)["code"])
