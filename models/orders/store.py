"""The store of orders: accepts them, moves them, finds them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import class_mapper

from engine.orders.event import OrderEvent
from engine.orders.status import require_step
from models.batch import Batch
from models.hot import HotPool
from models.orders import history, statements, writing
from models.orders.codec import ORDER_COLUMNS, accepted_order, encode, order_of
from models.orders.sent import Sent, read_sent
from models.orders.step import NewOrder, OrderFilter, Position, Step
from models.orders.tables import Order
from models.orders.writing import Move

LONG_AGO = datetime.min.replace(tzinfo=UTC)
FIRST_ID = UUID(int=0)
_NEW_ORDER = class_mapper(Order).class_manager.new_instance


@dataclass(frozen=True, slots=True)
class Moved:
    """What was committed: the order as it stands now, and its new events, as JSON as stored."""

    order: Order
    told: tuple[str, ...]

    @property
    def event(self) -> OrderEvent:
        """The event that the order's row now is."""
        return OrderEvent.model_validate_json(self.told[-1])


class OrderStore:
    """Orders in Postgres. Methods raise the drivers' errors when the database is away."""

    def __init__(self, engine: AsyncEngine, hot: HotPool) -> None:
        self._engine = engine
        self._hot = hot
        self._get_batch: Batch[UUID, Order | None] = Batch(self._get_all)

    async def accept_all(
        self, asked: Sequence[NewOrder], *, lease_ms: int
    ) -> list[tuple[Moved | None, Order]]:
        """Store orders with their first events, and return what each came to.

        Where an account has used its client order id before, that order comes back, with None for
        what was committed. One of ours that is there already came with an answer that was lost.
        """
        columns = {name: [new.__dict__[name] for new in asked] for name in writing.ASKED}
        given = tuple(
            name for name, values in columns.items() if any(value is not None for value in values)
        )
        records = await self._hot.fetch(
            writing.accepting(given),
            lease_ms,
            [new.life_ms for new in asked],
            *(encode(name, columns[name]) for name in given),
        )
        accepted = {record["id"]: dict(record) for record in records}
        return [
            _accepted(new, accepted[new.id])
            if new.id in accepted
            else await self._accepted_before(new)
            for new in asked
        ]

    async def advance_all(self, steps: Sequence[Step]) -> list[Moved | None]:
        """Make many steps; None where an order has moved on, so that it is not ours to make.

        The answers are in the order of the steps. Those alike are made in one statement.
        """
        alike: dict[Move, list[tuple[int, Step]]] = defaultdict(list)
        for n, step in enumerate(steps):
            # A bug of ours is to stop before anything is written, not to be Postgres's to find.
            require_step(step.previous, step.status)
            alike[Move.of(step)].append((n, step))
        moved: list[Moved | None] = [None] * len(steps)
        for move, numbered in alike.items():
            # Rows are locked in this order everywhere: see writing.moving.
            numbered.sort(key=lambda one: one[1].order_id)
            for record in await self._hot.fetch(
                writing.moving(move), *_arrays(move, [step for _, step in numbered])
            ):
                place, _ = numbered[record["n"] - 1]
                moved[place] = _moved(record, events=2 if move.is_two_in_one else 1)
        return moved

    async def claim(self, order: Order, *, holder: str, lease_ms: int) -> Order | None:
        """Take the lease on an order's step for message `holder`; None if another has it.

        None also where the step is overdue: then the sweep sends it again, and counts.
        """
        return await self._one(
            statements.CLAIM, id=order.id, sequence=order.sequence, holder=holder, lease_ms=lease_ms
        )

    async def held(self, ids: Collection[UUID], *, holder: str, lease_ms: int) -> list[Order]:
        """Return those that are ROUTING in the hands of message `holder`, leased anew."""
        rows = await self._rows(statements.HELD, ids=list(ids), holder=holder, lease_ms=lease_ms)
        return [row_order(row) for row in rows]

    async def let_go(self, ids: Collection[UUID], *, holder: str) -> list[Order]:
        """Take those that are ROUTING out of the hands of message `holder`, for another's."""
        rows = await self._rows(statements.LET_GO, ids=list(ids), holder=holder)
        return [row_order(row) for row in rows]

    async def overdue(self, *, most: int) -> list[Order]:
        """Return orders in progress whose lease ran out, the longest overdue first."""
        return [row_order(row) for row in await self._rows(statements.OVERDUE, most=most)]

    async def free(
        self, ids: Sequence[UUID], *, lease_ms: int, waits_in_line: bool = True
    ) -> list[UUID]:
        """Let go of overdue leases, so that the next message may take the step; return which.

        Messages that wait in line get longer each time; the others are overdue after `lease_ms`.
        """
        rows = await self._rows(
            statements.FREE, ids=list(ids), lease_ms=lease_ms, waits_in_line=waits_in_line
        )
        return [row["id"] for row in rows]

    async def on_last_chance(self, *, most_attempts: int, most_builders: int) -> int:
        """Count orders under way whose worker may not be lost once more."""
        rows = await self._rows(
            statements.ON_LAST_CHANCE, most_attempts=most_attempts, most_builders=most_builders
        )
        return int(rows[0]["n"])

    async def unsent(self, ids: Sequence[UUID], *, most_lost: int) -> list[Order]:
        """Return those of these that `claim_resend` would take, the longest overdue first."""
        rows = await self._rows(statements.UNSENT, ids=list(ids), most_lost=most_lost)
        return [row_order(row) for row in rows]

    async def claim_resend(
        self, order: Order, *, holder: str, lease_ms: int, most_lost: int
    ) -> Order | None:
        """Take a SUBMITTED order to send its bytes again; None if in hand, or it kills senders."""
        return await self._one(
            statements.CLAIM_RESEND,
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
                statements.SENDER_LIVED,
                {
                    "id": order.id,
                    "sequence": order.sequence,
                    "holder": holder,
                    "lease_ms": lease_ms,
                },
            )

    def sent(self) -> AsyncIterator[Sent]:
        """Yield the orders that wait for their transaction, the oldest first."""
        return read_sent(self._hot, LONG_AGO, FIRST_ID)

    async def in_progress(self) -> int:
        """Count the orders that owe a step to a worker."""
        return int((await self._rows(statements.COUNT_IN_PROGRESS))[0]["n"])

    async def get(self, order_id: UUID) -> Order | None:
        """Return an order by its id."""
        return await self._get_batch(order_id)

    async def get_many(self, ids: Sequence[UUID]) -> dict[UUID, Order]:
        """Return the orders of these ids that exist."""
        rows = await self._rows(statements.GET, ids=list(ids))
        return {row["id"]: row_order(row) for row in rows}

    async def by_client_order_id(self, account: str, client_order_id: str) -> Order | None:
        """Return an account's order by the id the client gave it."""
        records = await self._hot.fetch(writing.OF_CLIENT, account, client_order_id)
        return order_of(dict(records[0])) if records else None

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
        query = history.page_of_orders(account, wanted, most, older_than, newer_than, oldest_first)
        return [row_order(row) for row in await self._rows(query)]

    async def count(self, account: str, wanted: OrderFilter, *, most: int) -> int:
        """Count an account's orders that hold to a filter; counting ends at `most`."""
        rows = await self._rows(history.count_of_orders(account, wanted, most))
        return int(rows[0]["n"])

    async def events_after(self, seen: Mapping[UUID, int]) -> list[OrderEvent]:
        """Return the events after the given sequence of each order, in order."""
        rows = await self._rows(statements.MISSED, ids=list(seen), afters=list(seen.values()))
        return [_event(row) for row in rows]

    async def events_since(self, instant: datetime) -> list[OrderEvent]:
        """Return the events stored since, each order's in order."""
        return [_event(row) for row in await self._rows(statements.SINCE, instant=instant)]

    async def _accepted_before(self, new: NewOrder) -> tuple[Moved | None, Order]:
        existing = await self.by_client_order_id(new.account, new.client_order_id)
        assert existing is not None  # orders are never deleted
        # Ours after all: the commit was done and its answer lost, so it has yet to be told.
        if existing.id == new.id:
            first = (await self.events_after({new.id: 0}))[0]
            return Moved(existing, (first.model_dump_json(exclude_defaults=True),)), existing
        return None, existing

    async def _get_all(self, ids: Sequence[UUID]) -> list[Order | None]:
        found = await self.get_many(ids)
        return [found.get(id) for id in ids]

    async def _one(self, statement: Any, **parameters: Any) -> Order | None:
        rows = await self._rows(statement, **parameters)
        return row_order(rows[0]) if rows else None

    async def _rows(self, statement: Any, **parameters: Any) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, parameters)).mappings().all()


def _arrays(move: Move, steps: Sequence[Step]) -> list[list[Any]]:
    return [
        [step.order_id for step in steps],
        [step.sequence for step in steps],
        [step.attempt for step in steps],
        [step.lease_holder for step in steps],
        [step.lease_ms for step in steps],
        *(encode(name, [step.__dict__[name] for step in steps]) for name in move.found_out),
    ]


def _accepted(new: NewOrder, record: dict[str, Any]) -> tuple[Moved, Order]:
    told = record.pop("told")
    order = accepted_order(new, record)
    return Moved(order, (told,)), order


def _moved(record: Mapping[str, Any], *, events: int) -> Moved:
    row = dict(record)
    del row["n"]
    told = tuple(row.pop(f"told_{n}") for n in range(1, events + 1))
    return Moved(order_of(row), told)


def row_order(row: RowMapping) -> Order:
    """Return a row that SQLAlchemy read, as the ORM would load it, without validating it."""
    order: Order = _NEW_ORDER()
    order.__dict__.update((name, row[name]) for name in ORDER_COLUMNS)
    return order


def _event(row: RowMapping) -> OrderEvent:
    # What the guards let in needs no second check, which would cost more than the read.
    return OrderEvent.model_construct(
        **{name: value for name, value in row.items() if value is not None}
    )
