"""The store of orders: accepts them, moves them, finds them. Its SQL is in order_sql."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import class_mapper

from engine.orders.event import OrderEvent
from engine.orders.status import require_step
from engine.tokens import learn_token
from models.batch import Batch
from models.orders import statements as order_sql
from models.orders.step import NewOrder, OrderFilter, Position, Step
from models.orders.tables import Order

LONG_AGO = datetime.min.replace(tzinfo=UTC)
FIRST_ID = UUID(int=0)
_NEW_ORDER = class_mapper(Order).class_manager.new_instance


@dataclass(frozen=True, slots=True)
class Moved:
    """A committed step: the order as it stands now, and the event to publish."""

    order: Order
    event: OrderEvent


class OrderStore:
    """Orders in Postgres. Methods raise SQLAlchemy's errors when the database is away."""

    def __init__(self, engine: AsyncEngine, *, placing: AsyncEngine | None = None) -> None:
        """Take the pool of `placing` for orders being accepted, so that they need not queue."""
        self._engine = engine
        self._placing = placing or engine
        self._accept_batch: Batch[tuple[NewOrder, int], Order | None] = Batch(self._accept_all)
        self._advance_batch: Batch[Step, Moved | None] = Batch(self.advance_all)
        self._get_batch: Batch[UUID, Order | None] = Batch(self._get_all)

    async def accept(self, new: NewOrder, *, lease_ms: int) -> tuple[Order, bool]:
        """Store an order and its first event; return it, and whether it is new.

        Where the account has used the client order id before, that order comes back instead.
        """
        accepted = await self._accept_batch((new, lease_ms))
        if accepted is not None:
            return accepted, True
        same = order_sql.order_by_client_order_id(new.account, new.client_order_id)
        (existing,) = await self._rows_of(self._placing, same)  # orders are never deleted
        return order_of(existing), False

    async def advance(self, step: Step) -> Moved | None:
        """Make one step; None where the order has moved on, so that it is not ours to make."""
        return await self._advance_batch(step)

    async def advance_all(self, steps: Sequence[Step]) -> list[Moved | None]:
        """Make many steps in one statement; the answers are in the order of the steps."""
        for step in steps:
            require_step(step.previous, step.status)
        rows = await self._rows(order_sql.ADVANCE, items=_numbered(steps))
        orders = {row["n"]: order_of(row) for row in rows}
        return [
            Moved(orders[n], _event_of(step, orders[n])) if n in orders else None
            for n, step in enumerate(steps)
        ]

    async def claim(self, order: Order, *, holder: str, lease_ms: int) -> Order | None:
        """Take the lease on an order's step for message `holder`; None if another has it.

        None also where the step is overdue: then the sweep sends it again, and counts.
        """
        return await self._one(
            order_sql.CLAIM, id=order.id, sequence=order.sequence, holder=holder, lease_ms=lease_ms
        )

    async def overdue(self, *, most: int) -> list[Order]:
        """Return orders in progress whose lease ran out, the longest overdue first."""
        return [order_of(row) for row in await self._rows(order_sql.OVERDUE, most=most)]

    async def free(
        self, ids: Sequence[UUID], *, lease_ms: int, waits_in_line: bool = True
    ) -> list[UUID]:
        """Let go of overdue leases, so that the next message may take the step; return which.

        Messages that wait in line get longer each time; the others are overdue after `lease_ms`.
        """
        rows = await self._rows(
            order_sql.FREE, ids=list(ids), lease_ms=lease_ms, waits_in_line=waits_in_line
        )
        return [row["id"] for row in rows]

    async def on_last_chance(self, *, most_attempts: int, most_builders: int) -> int:
        """Count orders under way whose worker may not be lost once more."""
        rows = await self._rows(
            order_sql.ON_LAST_CHANCE, most_attempts=most_attempts, most_builders=most_builders
        )
        return int(rows[0]["n"])

    async def unsent(self, ids: Sequence[UUID], *, most_lost: int) -> list[Order]:
        """Return those of these that `claim_resend` would take, the longest overdue first."""
        rows = await self._rows(order_sql.UNSENT, ids=list(ids), most_lost=most_lost)
        return [order_of(row) for row in rows]

    async def claim_resend(
        self, order: Order, *, holder: str, lease_ms: int, most_lost: int
    ) -> Order | None:
        """Take a SUBMITTED order to send its bytes again; None if in hand, or it kills senders."""
        return await self._one(
            order_sql.CLAIM_RESEND,
            id=order.id,
            sequence=order.sequence,
            holder=holder,
            lease_ms=lease_ms,
            most_lost=most_lost,
        )

    async def sender_lived(self, order: Order, *, holder: str | None, lease_ms: int) -> None:
        """Note that sending killed nobody: the bytes may go out again after `lease_ms`."""
        async with self._engine.connect() as connection:
            await connection.execute(
                order_sql.SENDER_LIVED,
                {
                    "id": order.id,
                    "sequence": order.sequence,
                    "holder": holder,
                    "lease_ms": lease_ms,
                },
            )

    async def submitted(self, *, after: Order | None, most: int) -> list[Order]:
        """Return orders that wait for their transaction, the longest waiting first, a page."""
        place = {
            "updated_at": after.updated_at if after else LONG_AGO,
            "id": after.id if after else FIRST_ID,
        }
        return [order_of(row) for row in await self._rows(order_sql.SUBMITTED, most=most, **place)]

    async def in_progress(self) -> int:
        """Count the orders that owe a step to a worker."""
        return int((await self._rows(order_sql.COUNT_IN_PROGRESS))[0]["n"])

    async def get(self, order_id: UUID) -> Order | None:
        """Return an order by its id."""
        return await self._get_batch(order_id)

    async def get_many(self, ids: Sequence[UUID]) -> dict[UUID, Order]:
        """Return the orders of these ids that exist."""
        rows = await self._rows(order_sql.GET, ids=list(ids))
        return {row["id"]: order_of(row) for row in rows}

    async def by_client_order_id(self, account: str, client_order_id: str) -> Order | None:
        """Return an account's order by the id the client gave it."""
        return await self._one(order_sql.order_by_client_order_id(account, client_order_id))

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
        query = order_sql.page_of_orders(
            account, wanted, most, older_than, newer_than, oldest_first
        )
        return [order_of(row) for row in await self._rows(query)]

    async def count(self, account: str, wanted: OrderFilter, *, most: int) -> int:
        """Count an account's orders that hold to a filter; counting ends at `most`."""
        rows = await self._rows(order_sql.count_of_orders(account, wanted, most))
        return int(rows[0]["n"])

    async def events_after(self, seen: Mapping[UUID, int]) -> list[OrderEvent]:
        """Return the events after the given sequence of each order, in order."""
        rows = await self._rows(order_sql.MISSED, ids=list(seen), afters=list(seen.values()))
        return [_event(row) for row in rows]

    async def events_since(self, instant: datetime) -> list[OrderEvent]:
        """Return the events stored since, each order's in order."""
        return [_event(row) for row in await self._rows(order_sql.SINCE, instant=instant)]

    async def _accept_all(self, asked: Sequence[tuple[NewOrder, int]]) -> list[Order | None]:
        items, lease_ms = _numbered([new for new, _ in asked]), asked[0][1]
        rows = await self._rows_of(self._placing, order_sql.ACCEPT, items=items, lease_ms=lease_ms)
        accepted = {row["n"]: order_of(row) for row in rows}
        return [accepted.get(n) for n in range(len(asked))]

    async def _get_all(self, ids: Sequence[UUID]) -> list[Order | None]:
        found = await self.get_many(ids)
        return [found.get(id) for id in ids]

    async def _one(self, statement: Any, **parameters: Any) -> Order | None:
        rows = await self._rows(statement, **parameters)
        return order_of(rows[0]) if rows else None

    async def _rows(self, statement: Any, **parameters: Any) -> Sequence[RowMapping]:
        return await self._rows_of(self._engine, statement, **parameters)

    async def _rows_of(
        self, engine: AsyncEngine, statement: Any, **parameters: Any
    ) -> Sequence[RowMapping]:
        async with engine.connect() as connection:
            return (await connection.execute(statement, parameters)).mappings().all()


_JSON: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])


def _numbered(items: Sequence[BaseModel]) -> str:
    return _JSON.dump_json(
        [
            {"n": n, **item.model_dump(mode="json", exclude_none=True)}
            for n, item in enumerate(items)
        ]
    ).decode()


def order_of(row: RowMapping) -> Order:
    """Return a row as the ORM would load it: validation and change tracking are not for rows."""
    order: Order = _NEW_ORDER()
    order.__dict__.update(row)
    for token in order.launched_tokens or ():
        learn_token(token)
    return order


def _event(row: RowMapping) -> OrderEvent:
    return OrderEvent.model_construct(
        **{name: value for name, value in row.items() if value is not None}
    )


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
        best_price=step.best_price,
        tx_signature=step.tx_signature,
        executed_price=step.executed_price,
        amount_out=step.amount_out,
        failure=step.failure,
    )
