"""The calls of the door as commands: how a plain model does each, and how the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.status import IN_PROGRESS, NEXT, TERMINAL, IllegalStep, OrderStatus
from models.orders.step import Step
from models.orders.store import OrderStore
from models.orders.tables import Order
from tests.factories import LEASE_MS, move

S = OrderStatus
MOST_LOST = 3


@dataclass(frozen=True, slots=True)
class Row:
    """What the model knows of an order."""

    status: OrderStatus = S.PENDING
    sequence: int = 1
    holder: str | None = None
    lapsed: bool = False
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One call of the door: how the model does it, and how the store."""

    name: str
    model: Callable[[Row], tuple[Any, Row]]
    store: Callable[[OrderStore, AsyncEngine, UUID], Any]


def advance(seen: Row, wanted: OrderStatus, holder: str | None, lease_ms: int) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        if wanted not in NEXT[seen.status]:
            return "illegal", row
        if (row.status, row.sequence) != (seen.status, seen.sequence):
            return None, row
        moved = Row(wanted, row.sequence + 1, holder, lapsed=lease_ms == 0)
        return (wanted, row.sequence + 1), moved

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        step = Step(
            order_id=id,
            sequence=seen.sequence,
            previous=seen.status,
            status=wanted,
            attempt=1,
            lease_holder=holder,
            lease_ms=lease_ms,
        )
        try:
            moved = await move(orders, step)
        except IllegalStep:
            return "illegal"
        return moved and (moved.order.status, moved.order.sequence)

    return Command(f"{seen.status}({seen.sequence}) to {wanted}", model, store)


def claim(seen: Row, holder: str) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        may = row.holder in (None, holder) and not row.lapsed
        if row.sequence != seen.sequence or not may:
            return False, row
        return True, replace(row, holder=holder, lapsed=False)

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        order = _order(id, seen)
        return await orders.claim(order, holder=holder, lease_ms=LEASE_MS) is not None

    return Command(f"claim {seen.sequence} for {holder}", model, store)


def free() -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        if not row.lapsed or row.status not in IN_PROGRESS:
            return False, row
        lost = row.lost + (row.holder is not None)
        return True, replace(row, holder=None, lapsed=False, lost=lost)

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        return await orders.free([id], lease_ms=LEASE_MS) == [id]

    return Command("free", model, store)


def claim_resend(seen: Row, holder: str) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        held = row.status is not S.SUBMITTED or row.sequence != seen.sequence or not row.lapsed
        if held or row.lost >= MOST_LOST:
            return False, row
        return True, replace(row, holder=holder, lapsed=False, lost=row.lost + 1)

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        sent = await orders.claim_resend(
            _order(id, seen), holder=holder, lease_ms=LEASE_MS, most_lost=MOST_LOST
        )
        return sent is not None

    return Command(f"claim {seen.sequence} to send again for {holder}", model, store)


def sender_lived(seen: Row, holder: str) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        if (row.status, row.sequence, row.holder) != (S.SUBMITTED, seen.sequence, holder):
            return None, row
        return None, replace(row, lapsed=True, lost=max(row.lost - 1, 0))

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        await orders.sender_lived(_order(id, seen), holder=holder, lease_ms=0)

    return Command(f"{holder} lived to tell of {seen.sequence}", model, store)


def lapse() -> Command:
    """Time passes: no call of the door, but it may come between any two."""

    def model(row: Row) -> tuple[Any, Row]:
        return None, row if row.status in TERMINAL else replace(row, lapsed=True)

    async def store(_: OrderStore, database: AsyncEngine, id: UUID) -> Any:
        async with database.connect() as connection:
            await connection.execute(
                text(
                    "UPDATE orders SET lease_until = now() - interval '1 s' "
                    "WHERE id = :id AND completed_at IS NULL"
                ),
                {"id": id},
            )

    return Command("lapse", model, store)


def _order(id: UUID, seen: Row) -> Order:
    return Order(id=id, sequence=seen.sequence, status=seen.status)


def explained(row: Row, commands: Sequence[Command], answers: Sequence[Any], after: Row) -> bool:
    """Whether the commands, one by one in some order, give these answers and this row."""
    for places in permutations(range(len(commands))):
        current, given = row, {}
        for place in places:
            given[place], current = commands[place].model(current)
        if current == after and [given[n] for n in range(len(commands))] == list(answers):
            return True
    return False
