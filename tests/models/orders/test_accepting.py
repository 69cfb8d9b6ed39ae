"""Accepting: an order is written once, with its first event, however often it is sent."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.status import OrderStatus
from models.hot import HotPool
from models.orders.store import OrderStore
from tests.factories import LEASE_MS, accept, accepted, new_order
from tests.models.orders.invariants import gapless

S = OrderStatus


async def test_an_accepted_order_is_pending_with_its_first_event(
    store: OrderStore, database: AsyncEngine
) -> None:
    order = await accepted(store, amount_in=2**64 - 1, min_amount_out=5, venues=("raydium",))

    (event,) = await store.events_after({order.id: 0})
    assert (order.status, order.sequence, order.attempts) == (S.PENDING, 1, 0)
    assert (order.amount_in, order.min_amount_out, order.venues) == (2**64 - 1, 5, ["raydium"])
    assert (event.sequence, event.status, event.previous_status) == (1, S.PENDING, None)
    assert event.occurred_at == order.created_at == order.updated_at
    assert await gapless(database)


async def test_fifty_doubles_at_once_make_one_order(
    store: OrderStore, database: AsyncEngine
) -> None:
    doubles = [new_order(client_order_id="mine") for _ in range(50)]

    answers = await asyncio.gather(*(accept(store, d, lease_ms=LEASE_MS) for d in doubles))

    assert len({order.id for order, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert await gapless(database)


async def test_fifty_doubles_from_separate_processes_make_one_order(
    database: AsyncEngine, hot: HotPool
) -> None:
    stores = [OrderStore(database, hot) for _ in range(50)]

    answers = await asyncio.gather(
        *(accept(s, new_order(client_order_id="mine"), lease_ms=LEASE_MS) for s in stores)
    )

    assert len({order.id for order, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


async def test_the_same_client_order_id_of_another_account_is_another_order(
    store: OrderStore,
) -> None:
    mine = await accepted(store, client_order_id="x")
    yours = await accepted(store, client_order_id="x", account="other")

    assert mine.id != yours.id
