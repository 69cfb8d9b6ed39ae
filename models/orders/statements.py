"""The statements that find orders and hand their leases on; those that move them: .writing."""

from typing import Any

from sqlalchemy import Integer, Table, TextClause, text
from sqlalchemy.types import TypeDecorator

from engine.orders.status import IN_PROGRESS
from models.orders.tables import Order, OrderEventRow, one_of

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_EVENTS = OrderEventRow.__table__  # type: ignore[attr-defined]


UNDER_WAY = "ended_as IS NULL AND waits IS NULL"
"""The condition of the one index that finds orders on their way; no step of theirs changes it."""


def returning_orders(sql: str) -> TextClause:
    return text(sql).columns(n=Integer, **_converted(_ORDERS))  # type: ignore[return-value]


def _converted(table: Table) -> dict[str, Any]:
    """Return the column types that are ours; the driver gives all others as they should be."""
    return {c.name: c.type for c in table.columns if isinstance(c.type, TypeDecorator)}


GET = returning_orders("SELECT 0 AS n, orders.* FROM orders WHERE id = ANY(:ids)")

# Nobody may hold the step, unless it is the very message that asks, come again. Once overdue it is
# the sweep's to give: messages of a dead worker come back all at once, whatever it was they did.
CLAIM = returning_orders("""
UPDATE orders SET lease_holder = :holder, lease_until = now() + :lease_ms * interval '1 ms'
WHERE id = :id AND sequence = :sequence
    AND (lease_holder = :holder OR lease_holder IS NULL) AND lease_until > now()
RETURNING 0 AS n, orders.*
""")

# A message that comes again finds what it began itself: still its own, unless overdue.
HELD = returning_orders("""
UPDATE orders SET lease_until = now() + :lease_ms * interval '1 ms'
WHERE id = ANY(:ids) AND status = 'ROUTING' AND lease_holder = :holder AND lease_until > now()
RETURNING 0 AS n, orders.*
""")

# Only what the message still holds: the sweep may have given the others on meanwhile.
LET_GO = returning_orders("""
UPDATE orders SET lease_holder = NULL
WHERE id = ANY(:ids) AND status = 'ROUTING' AND lease_holder = :holder
RETURNING 0 AS n, orders.*
""")

# The longest overdue first, so that a bound on how many are seen puts off none for ever.
OVERDUE = returning_orders(f"""
SELECT 0 AS n, orders.* FROM orders
WHERE {UNDER_WAY} AND {one_of("status", IN_PROGRESS)} AND lease_until <= now()
ORDER BY lease_until LIMIT :most
""")

# The longer an order has waited, the longer until it is sent again: a long queue must not be
# filled with doubles of what already waits in it.
# A holder that is let go of here was lost, and that is counted with the same statement. Whatever
# moved or was taken since it was seen overdue is not free.
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
WHERE {UNDER_WAY} AND {one_of("status", IN_PROGRESS)} AND lease_until > now() AND (
    status = 'ROUTING' AND attempts >= :most_attempts AND failure->>'code' = 'WORKER_LOST'
    OR status = 'BUILDING' AND leases_lost >= :most_builders - 1)
""")

# What was sent a moment ago is leased still: its venue may not have looked at it yet.
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

# Takes back what CLAIM_RESEND counted, if that is still the sender: a late one says nothing.
SENDER_LIVED = text("""
UPDATE orders SET leases_lost = greatest(leases_lost - 1, 0),
    lease_until = now() + :lease_ms * interval '1 ms'
WHERE id = :id AND sequence = :sequence AND status = 'SUBMITTED' AND lease_holder = :holder
""")

# One read for all streams that are behind, each from its own place.
MISSED = text("""
SELECT e.* FROM order_events e
JOIN unnest(CAST(:ids AS uuid[]), CAST(:afters AS int[])) AS seen(order_id, sequence)
    ON e.order_id = seen.order_id AND e.sequence > seen.sequence
ORDER BY e.order_id, e.sequence
""").columns(**_converted(_EVENTS))

SINCE = text("""
SELECT * FROM order_events WHERE occurred_at >= :instant ORDER BY occurred_at, order_id, sequence
""").columns(**_converted(_EVENTS))

COUNT_IN_PROGRESS = text(
    f"SELECT count(*) AS n FROM orders WHERE {UNDER_WAY} AND {one_of('status', IN_PROGRESS)}"
)
