"""Every SQL statement about orders and their events.

Two of them write an order's life: `ACCEPT` and `ADVANCE`. Each takes a JSON array, so that one call
moves one order or hundreds, and each writes the rows and their events together.
"""

from typing import Any

from sqlalchemy import Integer, Select, Table, TextClause, func, select, text, tuple_
from sqlalchemy.types import TypeDecorator

from engine.orders.status import IN_PROGRESS, TERMINAL, OrderStatus
from models.orders.step import OrderFilter, Position
from models.orders.tables import Order, OrderEventRow, one_of

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_EVENTS = OrderEventRow.__table__  # type: ignore[attr-defined]


def returning_orders(sql: str) -> TextClause:
    return text(sql).columns(n=Integer, **_converted(_ORDERS))  # type: ignore[return-value]


def _converted(table: Table) -> dict[str, Any]:
    """Return the column types that are ours; the driver gives all others as they should be."""
    return {c.name: c.type for c in table.columns if isinstance(c.type, TypeDecorator)}


ACCEPT = returning_orders(f"""
WITH asked AS (
    SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(
        n int, id uuid, account text, client_order_id text, request_digest text, request_id text,
        type text, token_in text, token_out text, amount_in numeric, slippage_bps int,
        min_amount_out numeric, max_price_impact_bps int, limit_price numeric, max_price numeric,
        min_liquidity numeric, expires_at timestamptz, life_ms bigint, launched_tokens jsonb,
        venues text[], allow_split boolean, simulation jsonb)
), accepted AS (
    INSERT INTO orders (id, account, client_order_id, request_digest, request_id, type, status,
        token_in, token_out, amount_in, slippage_bps, min_amount_out, max_price_impact_bps,
        limit_price, max_price, min_liquidity, expires_at, launched_tokens, venues, allow_split,
        simulation, sequence, attempts, lease_until)
    SELECT id, account, client_order_id, request_digest, request_id, type, '{OrderStatus.PENDING}',
        token_in, token_out, amount_in, slippage_bps, min_amount_out, max_price_impact_bps,
        limit_price, max_price, min_liquidity,
        coalesce(expires_at, now() + life_ms * interval '1 ms'), launched_tokens,
        coalesce(venues, '{{}}'), allow_split, simulation, 1, 0, now() + :lease_ms * interval '1 ms'
    FROM asked
    ON CONFLICT (account, client_order_id) DO NOTHING
    RETURNING *
), first_event AS (
    INSERT INTO order_events (order_id, sequence, status, attempt, occurred_at)
    SELECT id, sequence, status, attempts, created_at FROM accepted
)
SELECT asked.n, accepted.* FROM accepted JOIN asked USING (id)
""")

_AFRESH = "s.status IN ('ROUTING', 'WAITING_PRICE', 'WAITING_POOL')"

ADVANCE = returning_orders(f"""
WITH step AS (
    SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS s(
        n int, order_id uuid, sequence int, previous text, status text, attempt int,
        lease_holder text, lease_ms int, quotes jsonb, route jsonb, venue text,
        quoted_price numeric, best_price numeric, tx_signature text, signed_transaction bytea,
        last_valid_slot int, min_amount_out numeric, executed_price numeric, amount_out numeric,
        fee numeric, slot int, failure jsonb, launched_tokens jsonb)
), locked AS (
    -- In one order everywhere: two groups with orders in common must not wait for each other.
    SELECT id FROM orders WHERE id IN (SELECT order_id FROM step) ORDER BY id FOR UPDATE
), moved AS (
    UPDATE orders o SET
        status = s.status, sequence = s.sequence + 1, attempts = s.attempt,
        lease_holder = s.lease_holder, lease_until = now() + s.lease_ms * interval '1 ms',
        -- ROUTING begins an attempt afresh, and so does waiting again.
        venue = CASE WHEN {_AFRESH} THEN s.venue ELSE coalesce(s.venue, o.venue) END,
        route = CASE WHEN {_AFRESH} THEN s.route
            ELSE coalesce(nullif(s.route, '[]'), o.route) END,
        quoted_price = CASE WHEN {_AFRESH} THEN s.quoted_price
            ELSE coalesce(s.quoted_price, o.quoted_price) END,
        tx_signature = CASE WHEN {_AFRESH} THEN NULL
            ELSE coalesce(s.tx_signature, o.tx_signature) END,
        signed_transaction = CASE WHEN {_AFRESH} THEN NULL
            ELSE coalesce(s.signed_transaction, o.signed_transaction) END,
        last_valid_slot = CASE WHEN {_AFRESH} THEN NULL
            ELSE coalesce(s.last_valid_slot, o.last_valid_slot) END,
        min_amount_out = greatest(o.min_amount_out, s.min_amount_out),
        executed_price = s.executed_price, amount_out = s.amount_out, fee = s.fee, slot = s.slot,
        failure = s.failure, leases_lost = 0, updated_at = now(),
        launched_tokens = coalesce(s.launched_tokens, o.launched_tokens),
        completed_at = CASE WHEN {one_of("s.status", TERMINAL)} THEN now() END
    FROM step s JOIN locked ON locked.id = s.order_id
    WHERE o.id = s.order_id AND o.sequence = s.sequence AND o.status = s.previous
        -- Past its time an order goes nowhere but out, unless its transaction is on its way.
        AND (o.expires_at IS NULL OR o.expires_at > now() OR o.status = 'SUBMITTED'
            OR {one_of("s.status", TERMINAL)})
    RETURNING s.n, o.*
), event AS (
    INSERT INTO order_events (order_id, sequence, status, previous_status, attempt, occurred_at,
        quotes, route, venue, quoted_price, best_price, tx_signature, executed_price, amount_out,
        failure)
    SELECT m.id, m.sequence, m.status, s.previous, m.attempts, m.updated_at,
        s.quotes, s.route, s.venue, s.quoted_price, s.best_price, s.tx_signature,
        s.executed_price, s.amount_out, s.failure
    FROM moved m JOIN step s ON s.n = m.n
)
SELECT * FROM moved
""")

GET = returning_orders("SELECT 0 AS n, orders.* FROM orders WHERE id = ANY(:ids)")

# Nobody may hold the step, unless it is the very message that asks, come again. Once overdue it is
# the sweep's to give: messages of a dead worker come back all at once, whatever it was they did.
CLAIM = returning_orders("""
UPDATE orders SET lease_holder = :holder, lease_until = now() + :lease_ms * interval '1 ms'
WHERE id = :id AND sequence = :sequence
    AND (lease_holder = :holder OR lease_holder IS NULL) AND lease_until > now()
RETURNING 0 AS n, orders.*
""")

OVERDUE = returning_orders(f"""
SELECT 0 AS n, orders.* FROM orders
WHERE {one_of("status", IN_PROGRESS)} AND lease_until <= now()
ORDER BY lease_until LIMIT :most
""")

# The longer an order has waited, the longer until it is sent again: a long queue must not be
# filled with doubles of what already waits in it.
FREE = text("""
UPDATE orders SET
    lease_holder = NULL,
    leases_lost = leases_lost + CASE WHEN lease_holder IS NULL THEN 0 ELSE 1 END,
    lease_until = now() + greatest(:lease_ms * interval '1 ms',
        CASE WHEN :waits_in_line THEN now() - updated_at END)
WHERE id = ANY(:ids) AND lease_until <= now() AND status IN ('PENDING', 'ROUTING', 'BUILDING')
RETURNING id
""")

# Those whose worker was lost so often that once more is the last time, sent or in hand.
ON_LAST_CHANCE = text(f"""
SELECT count(*) AS n FROM orders
WHERE {one_of("status", IN_PROGRESS)} AND lease_until > now() AND (
    status = 'ROUTING' AND attempts >= :most_attempts AND failure->>'code' = 'WORKER_LOST'
    OR status = 'BUILDING' AND leases_lost >= :most_builders - 1)
""")

UNSENT = returning_orders("""
SELECT 0 AS n, orders.* FROM orders
WHERE id = ANY(:ids) AND status = 'SUBMITTED' AND lease_until <= now()
    AND leases_lost < :most_lost
ORDER BY lease_until
""")

# A lost sender is counted before it is lost: bytes that kill their sender must find an end.
CLAIM_RESEND = returning_orders("""
UPDATE orders SET lease_holder = :holder, lease_until = now() + :lease_ms * interval '1 ms',
    leases_lost = leases_lost + 1
WHERE id = :id AND sequence = :sequence AND status = 'SUBMITTED'
    AND lease_until <= now() AND leases_lost < :most_lost
RETURNING 0 AS n, orders.*
""")

SENDER_LIVED = text("""
UPDATE orders SET leases_lost = greatest(leases_lost - 1, 0),
    lease_until = now() + :lease_ms * interval '1 ms'
WHERE id = :id AND sequence = :sequence AND status = 'SUBMITTED' AND lease_holder = :holder
""")

SUBMITTED = returning_orders("""
SELECT 0 AS n, orders.* FROM orders
WHERE status = 'SUBMITTED' AND (updated_at, id) > (:updated_at, :id)
ORDER BY updated_at, id LIMIT :most
""")

MISSED = text("""
SELECT e.* FROM order_events e
JOIN unnest(CAST(:ids AS uuid[]), CAST(:afters AS int[])) AS seen(order_id, sequence)
    ON e.order_id = seen.order_id AND e.sequence > seen.sequence
ORDER BY e.order_id, e.sequence
""").columns(**_converted(_EVENTS))

SINCE = text("""
SELECT * FROM order_events WHERE occurred_at >= :instant ORDER BY occurred_at, order_id, sequence
""").columns(**_converted(_EVENTS))

COUNT_IN_PROGRESS = text(f"SELECT count(*) AS n FROM orders WHERE {one_of('status', IN_PROGRESS)}")


def order_by_client_order_id(account: str, client_order_id: str) -> Select[Any]:
    """Select an account's order by the id its client gave it."""
    return select(*_ORDERS.c).where(
        _ORDERS.c.account == account, _ORDERS.c.client_order_id == client_order_id
    )


def page_of_orders(
    account: str,
    wanted: OrderFilter,
    most: int,
    older_than: Position | None,
    newer_than: Position | None,
    oldest_first: bool,
) -> Select[Any]:
    """Select a stretch of an account's history, by keyset."""
    keys = (_ORDERS.c.created_at, _ORDERS.c.id)
    query = select(*_ORDERS.c).where(*_conditions(account, wanted)).limit(most)
    types = [key.type for key in keys]
    if older_than is not None:
        place = tuple_(older_than.created_at, older_than.id, types=types)
        query = query.where(tuple_(*keys) < place)
    if newer_than is not None:
        place = tuple_(newer_than.created_at, newer_than.id, types=types)
        query = query.where(tuple_(*keys) > place)
    return query.order_by(*(key.asc() if oldest_first else key.desc() for key in keys))


def count_of_orders(account: str, wanted: OrderFilter, most: int) -> Select[Any]:
    """Select how many orders of an account hold to a filter, `most` where there are more."""
    some = select(_ORDERS.c.id).where(*_conditions(account, wanted)).limit(most).subquery()
    return select(func.count().label("n")).select_from(some)


def _conditions(account: str, wanted: OrderFilter) -> list[Any]:
    equal: dict[str, Any] = {
        "token_in": wanted.token_in,
        "token_out": wanted.token_out,
        "venue": wanted.venue,
    }
    conditions = [_ORDERS.c.account == account]
    conditions += [_ORDERS.c[name] == value for name, value in equal.items() if value is not None]
    for name, values in (("status", wanted.statuses), ("type", wanted.types)):
        if values is not None:
            conditions.append(_ORDERS.c[name].in_([str(value) for value in values]))
    if wanted.created_after is not None:
        conditions.append(_ORDERS.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(_ORDERS.c.created_at < wanted.created_before)
    return conditions
