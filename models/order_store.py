"""Every SQL statement about orders and their events.

Two statements write an order's life: `_ACCEPT` and `_ADVANCE`. Each takes a JSON array, so that
one call moves one order or hundreds, and each writes the rows and their events together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Integer, RowMapping, Select, TextClause, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.order_event import OrderEvent
from engine.order_status import IN_PROGRESS, TERMINAL, OrderStatus, require_step
from models.batch import Batch
from models.order import Order, OrderEventRow, one_of
from models.step import NewOrder, OrderFilter, Position, Step

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_EVENTS = OrderEventRow.__table__  # type: ignore[attr-defined]


def _returning_orders(sql: str) -> TextClause:
    columns = {column.name: column.type for column in _ORDERS.columns}
    return text(sql).columns(n=Integer, **columns)  # type: ignore[return-value]


_ACCEPT = _returning_orders(f"""
WITH asked AS (
    SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(
        n int, id uuid, account text, client_order_id text, request_digest text, request_id text,
        type text, token_in text, token_out text, amount_in numeric, slippage_bps int,
        min_amount_out numeric, max_price_impact_bps int, venues text[])
), accepted AS (
    INSERT INTO orders (id, account, client_order_id, request_digest, request_id, type, status,
        token_in, token_out, amount_in, slippage_bps, min_amount_out, max_price_impact_bps,
        venues, sequence, attempts, lease_until)
    SELECT id, account, client_order_id, request_digest, request_id, type, '{OrderStatus.PENDING}',
        token_in, token_out, amount_in, slippage_bps, min_amount_out, max_price_impact_bps,
        coalesce(venues, '{{}}'), 1, 0, now() + :lease_ms * interval '1 ms'
    FROM asked
    ON CONFLICT (account, client_order_id) DO NOTHING
    RETURNING *
), first_event AS (
    INSERT INTO order_events (order_id, sequence, status, attempt, occurred_at)
    SELECT id, sequence, status, attempts, created_at FROM accepted
)
SELECT asked.n, accepted.* FROM accepted JOIN asked USING (id)
""")

_ADVANCE = _returning_orders(f"""
WITH step AS (
    SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS s(
        n int, order_id uuid, sequence int, previous text, status text, attempt int,
        lease_holder text, lease_ms int, quotes jsonb, route jsonb, venue text,
        quoted_price numeric, tx_signature text, signed_transaction bytea, last_valid_slot int,
        min_amount_out numeric, executed_price numeric, amount_out numeric, fee numeric,
        slot int, failure jsonb)
), moved AS (
    UPDATE orders o SET
        status = s.status, sequence = s.sequence + 1, attempts = s.attempt,
        lease_holder = s.lease_holder, lease_until = now() + s.lease_ms * interval '1 ms',
        venue = CASE WHEN s.status = 'ROUTING' THEN s.venue ELSE coalesce(s.venue, o.venue) END,
        route = CASE WHEN s.status = 'ROUTING' THEN s.route ELSE coalesce(s.route, o.route) END,
        quoted_price = CASE WHEN s.status = 'ROUTING' THEN s.quoted_price
            ELSE coalesce(s.quoted_price, o.quoted_price) END,
        tx_signature = CASE WHEN s.status = 'ROUTING' THEN NULL
            ELSE coalesce(s.tx_signature, o.tx_signature) END,
        signed_transaction = CASE WHEN s.status = 'ROUTING' THEN NULL
            ELSE coalesce(s.signed_transaction, o.signed_transaction) END,
        last_valid_slot = CASE WHEN s.status = 'ROUTING' THEN NULL
            ELSE coalesce(s.last_valid_slot, o.last_valid_slot) END,
        min_amount_out = greatest(o.min_amount_out, s.min_amount_out),
        executed_price = s.executed_price, amount_out = s.amount_out, fee = s.fee, slot = s.slot,
        failure = s.failure, updated_at = now(),
        completed_at = CASE WHEN {one_of("s.status", TERMINAL)} THEN now() END
    FROM step s
    WHERE o.id = s.order_id AND o.sequence = s.sequence AND o.status = s.previous
    RETURNING s.n, o.*
), event AS (
    INSERT INTO order_events (order_id, sequence, status, previous_status, attempt, occurred_at,
        quotes, route, venue, quoted_price, tx_signature, executed_price, amount_out, failure)
    SELECT m.id, m.sequence, m.status, s.previous, m.attempts, m.updated_at,
        s.quotes, s.route, s.venue, s.quoted_price, s.tx_signature, s.executed_price,
        s.amount_out, s.failure
    FROM moved m JOIN step s ON s.n = m.n
)
SELECT * FROM moved
""")

# Nobody may hold the step, unless it is the very message that asks, come again.
_CLAIM = _returning_orders("""
UPDATE orders SET lease_holder = :holder, lease_until = now() + :lease_ms * interval '1 ms'
WHERE id = :id AND sequence = :sequence AND (lease_holder IS NULL OR lease_holder = :holder)
RETURNING 0 AS n, orders.*
""")

_OVERDUE = _returning_orders(f"""
SELECT 0 AS n, orders.* FROM orders
WHERE {one_of("status", IN_PROGRESS)} AND lease_until <= now()
ORDER BY lease_until LIMIT :most
""")

# The longer an order has waited, the longer until it is sent again: a long queue must not be
# filled with doubles of what already waits in it.
_FREE = text("""
UPDATE orders SET
    lease_holder = NULL,
    leases_lost = leases_lost + CASE WHEN lease_holder IS NULL THEN 0 ELSE 1 END,
    lease_until = now() + greatest(:lease_ms * interval '1 ms', now() - updated_at)
WHERE id = ANY(:ids) AND lease_until <= now() AND status IN ('PENDING', 'ROUTING', 'BUILDING')
RETURNING id
""")

_RELEASE = text("UPDATE orders SET lease_holder = NULL WHERE id = :id AND sequence = :sequence")

_SUBMITTED = _returning_orders("""
SELECT 0 AS n, orders.* FROM orders
WHERE status = 'SUBMITTED' AND (updated_at, id) > (:updated_at, :id)
ORDER BY updated_at, id LIMIT :most
""")

_MISSED = text("""
SELECT e.* FROM order_events e
JOIN unnest(CAST(:ids AS uuid[]), CAST(:afters AS int[])) AS seen(order_id, sequence)
    ON e.order_id = seen.order_id AND e.sequence > seen.sequence
ORDER BY e.order_id, e.sequence
""").columns(**{column.name: column.type for column in _EVENTS.columns})


@dataclass(frozen=True, slots=True)
class Moved:
    """A committed step: the order as it stands now, and the event to publish."""

    order: Order
    event: OrderEvent


class OrderStore:
    """Orders in Postgres. Methods raise SQLAlchemy's errors when the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._accept_batch: Batch[tuple[NewOrder, int], Order | None] = Batch(self._accept_all)
        self._advance_batch: Batch[Step, Moved | None] = Batch(self.advance_all)

    async def accept(self, new: NewOrder, *, lease_ms: int) -> tuple[Order, bool]:
        """Store an order and its first event; return it, and whether it is new.

        Where the account has used the client order id before, that order comes back instead.
        """
        accepted = await self._accept_batch((new, lease_ms))
        if accepted is not None:
            return accepted, True
        existing = await self.by_client_order_id(new.account, new.client_order_id)
        assert existing is not None  # orders are never deleted
        return existing, False

    async def advance(self, step: Step) -> Moved | None:
        """Make one step; None where the order has moved on, so that it is not ours to make."""
        return await self._advance_batch(step)

    async def advance_all(self, steps: Sequence[Step]) -> list[Moved | None]:
        """Make many steps in one statement; the answers are in the order of the steps."""
        for step in steps:
            require_step(step.previous, step.status)
        rows = await self._rows(_ADVANCE, items=_numbered(steps))
        orders = {row["n"]: _order(row) for row in rows}
        return [
            Moved(orders[n], _event_of(step, orders[n])) if n in orders else None
            for n, step in enumerate(steps)
        ]

    async def claim(self, order: Order, *, holder: str, lease_ms: int) -> Order | None:
        """Take the lease on an order's step for message `holder`; None if another has it."""
        return await self._one(
            _CLAIM, id=order.id, sequence=order.sequence, holder=holder, lease_ms=lease_ms
        )

    async def overdue(self, *, most: int) -> list[Order]:
        """Return orders in progress whose lease ran out, the longest overdue first."""
        return [_order(row) for row in await self._rows(_OVERDUE, most=most)]

    async def free(self, ids: Sequence[UUID], *, lease_ms: int) -> list[UUID]:
        """Let go of overdue leases, so that the next message may take the step; return which."""
        rows = await self._rows(_FREE, ids=list(ids), lease_ms=lease_ms)
        return [row["id"] for row in rows]

    async def release(self, order: Order) -> None:
        """Give the lease back before it runs out, so that another message may take the step."""
        async with self._engine.connect() as connection:
            await connection.execute(_RELEASE, {"id": order.id, "sequence": order.sequence})

    async def submitted(self, *, after: Order | None, most: int) -> list[Order]:
        """Return orders that wait for their transaction, the longest waiting first, a page."""
        place = {
            "updated_at": after.updated_at if after else datetime.min.replace(tzinfo=UTC),
            "id": after.id if after else UUID(int=0),
        }
        return [_order(row) for row in await self._rows(_SUBMITTED, most=most, **place)]

    async def in_progress(self) -> int:
        """Count the orders that owe a step to a worker."""
        rows = await self._rows(
            text(f"SELECT count(*) AS n FROM orders WHERE {one_of('status', IN_PROGRESS)}")
        )
        return int(rows[0]["n"])

    async def get(self, order_id: UUID) -> Order | None:
        """Return an order by its id."""
        found = await self.get_many([order_id])
        return found.get(order_id)

    async def get_many(self, ids: Sequence[UUID]) -> dict[UUID, Order]:
        """Return the orders of these ids that exist."""
        rows = await self._rows(select(*_ORDERS.c).where(_ORDERS.c.id.in_(ids)))
        return {row["id"]: _order(row) for row in rows}

    async def by_client_order_id(self, account: str, client_order_id: str) -> Order | None:
        """Return an account's order by the id the client gave it."""
        return await self._one(
            select(*_ORDERS.c).where(
                _ORDERS.c.account == account, _ORDERS.c.client_order_id == client_order_id
            )
        )

    async def page(
        self,
        account: str,
        wanted: OrderFilter,
        *,
        most: int,
        older_than: Position | None = None,
        newer_than: Position | None = None,
        oldest_first: bool = False,
    ) -> list[Order]:
        """Return up to `most` orders between two positions, newest first unless `oldest_first`.

        A keyset scan: its cost does not grow with the history, and rows inserted meanwhile
        neither shift nor repeat what it returns.
        """
        query = _page(account, wanted, most, older_than, newer_than, oldest_first)
        return [_order(row) for row in await self._rows(query)]

    async def events_after(self, seen: Mapping[UUID, int]) -> list[OrderEvent]:
        """Return the events after the given sequence of each order, in order."""
        rows = await self._rows(_MISSED, ids=list(seen), afters=list(seen.values()))
        return [
            OrderEvent.model_construct(
                **{name: value for name, value in row.items() if value is not None}
            )
            for row in rows
        ]

    async def _accept_all(self, asked: Sequence[tuple[NewOrder, int]]) -> list[Order | None]:
        rows = await self._rows(
            _ACCEPT, items=_numbered([new for new, _ in asked]), lease_ms=asked[0][1]
        )
        accepted = {row["n"]: _order(row) for row in rows}
        return [accepted.get(n) for n in range(len(asked))]

    async def _one(self, statement: Any, **parameters: Any) -> Order | None:
        rows = await self._rows(statement, **parameters)
        return _order(rows[0]) if rows else None

    async def _rows(self, statement: Any, **parameters: Any) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, parameters)).mappings().all()


def _page(
    account: str,
    wanted: OrderFilter,
    most: int,
    older_than: Position | None,
    newer_than: Position | None,
    oldest_first: bool,
) -> Select[Any]:
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


_JSON: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])


def _numbered(items: Sequence[BaseModel]) -> str:
    return _JSON.dump_json(
        [
            {"n": n, **item.model_dump(mode="json", exclude_none=True)}
            for n, item in enumerate(items)
        ]
    ).decode()


def _order(row: RowMapping) -> Order:
    return Order(**{name: row[name] for name in row if name != "n"})


def _event_of(step: Step, order: Order) -> OrderEvent:
    return OrderEvent(
        order_id=order.id,
        sequence=order.sequence,
        status=step.status,
        previous_status=step.previous,
        attempt=step.attempt,
        occurred_at=order.updated_at,
        quotes=step.quotes,
        route=step.route,
        venue=step.venue,
        quoted_price=step.quoted_price,
        tx_signature=step.tx_signature,
        executed_price=step.executed_price,
        amount_out=step.amount_out,
        failure=step.failure,
    )
