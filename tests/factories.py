"""Orders for tests, with defaults for everything a test does not care about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils.compat import uuid7

from engine.orders.status import OrderStatus, OrderType
from engine.tokens import SOL, USDC
from models.database import transaction
from models.orders.step import NewOrder, Step
from models.orders.store import Moved, OrderStore
from models.orders.tables import Order

LEASE_MS = 60_000


def new_order(**given: Any) -> NewOrder:
    """A market order of one SOL for USDC that nobody has placed before."""
    id = uuid7()
    defaults: dict[str, Any] = {
        "id": id,
        "account": "local",
        "client_order_id": str(id),
        "request_digest": "digest",
        "request_id": "request",
        "type": OrderType.MARKET,
        "token_in": SOL.mint,
        "token_out": USDC.mint,
        "amount_in": 10**9,
        "slippage_bps": 50,
    }
    return NewOrder(**defaults | given)


def step(order: Order, status: OrderStatus, **given: Any) -> Step:
    """A step from where the order stands, leased for long."""
    defaults: dict[str, Any] = {
        "order_id": order.id,
        "sequence": order.sequence,
        "previous": order.status,
        "status": status,
        "attempt": max(order.attempts, 1),
        "lease_ms": LEASE_MS,
    }
    return Step(**defaults | given)


async def accept(store: OrderStore, new: NewOrder, *, lease_ms: int) -> tuple[Order, bool]:
    """Accept one order; return the one of its client order id, and whether it is new."""
    [(moved, order)] = await store.accept_all([new], lease_ms=lease_ms)
    return order, moved is not None


async def move(store: OrderStore, step: Step) -> Moved | None:
    """Make one step."""
    [moved] = await store.advance_all([step])
    return moved


async def accepted(store: OrderStore, **given: Any) -> Order:
    """An order in PENDING."""
    order, is_new = await accept(store, new_order(**given), lease_ms=LEASE_MS)
    assert is_new
    return order


async def advanced(store: OrderStore, order: Order, *statuses: OrderStatus) -> Order:
    """The order, moved through these statuses."""
    for status in statuses:
        moved = await move(store, step(order, status))
        assert moved is not None
        order = moved.order
    return order


@asynccontextmanager
async def unguarded(database: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that no trigger watches, for what only time or a lost server would do."""
    async with transaction(database) as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
