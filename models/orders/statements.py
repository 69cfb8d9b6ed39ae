"""The statements that find orders and hand their leases on; those that move them: .writing."""

from typing import Any

from sqlalchemy import Integer, Select, Table, TextClause, func, select, text, tuple_
from sqlalchemy.types import TypeDecorator

from engine.orders.status import IN_PROGRESS
from models.orders.step import OrderFilter, Position
from models.orders.tables import Order, OrderEventRow, one_of

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_EVENTS = OrderEventRow.__table__  # type: ignore[attr-defined]


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
