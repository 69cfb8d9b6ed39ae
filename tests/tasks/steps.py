"""Actors called directly, and what they leave behind."""

from typing import Any

from sqlalchemy import text

from engine.orders.status import OrderStatus
from models.orders.tables import Order
from tasks.attempts import TryAgain
from tasks.route_order import route_order
from tests.tasks.conftest import Wired

S = OrderStatus


async def call(actor: Any, *arguments: Any) -> None:
    """Run an actor's coroutine here, where a worker would run it on its own loop."""
    await actor.fn.__wrapped__(*arguments)


async def statuses(resources: Wired, order: Order) -> list[tuple[S, int, str | None]]:
    events = await resources.orders.events_after({order.id: 0})
    return [(e.status, e.attempt, e.failure.code if e.failure else None) for e in events]


async def route(order: Order) -> None:
    await call(route_order, str(order.id))


async def route_until_it_ends(order: Order) -> int:
    """Run the actor as Retries would, without the waiting; return the number of runs."""
    for runs in range(1, 10):
        try:
            await route(order)
        except TryAgain:
            continue
        return runs
    raise AssertionError("it never ended")


async def expire_leases(resources: Wired) -> None:
    async with resources.database.connect() as connection:
        await connection.execute(
            text("UPDATE orders SET lease_until = now() WHERE completed_at IS NULL")
        )


async def landed(resources: Wired) -> list[str]:
    async with resources.database.connect() as connection:
        memos = await connection.scalars(
            text("SELECT memo FROM ledger_transactions WHERE outcome = 'LANDED'")
        )
        return list(memos)
