"""The door through which orders change: what is committed is told, and a bad one fails alone."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.event import OrderEvent
from engine.orders.status import OrderStatus
from models.hot import HotPool
from models.orders.step import NewOrder
from models.orders.store import OrderStore
from models.orders.tables import Order
from tests.factories import LEASE_MS, accepted, new_order, step
from wiring.order_door import OrderDoor
from wiring.updates import Updates

S = OrderStatus


class Told(Updates):
    """Stands where the updates do, and keeps what was told."""

    def __init__(self) -> None:
        self.events: list[OrderEvent] = []

    async def publish(self, told: Iterable[str]) -> None:
        self.events += [OrderEvent.model_validate_json(text) for text in told]


class Flaky(OrderStore):
    """A store that commits, and whose answers are lost once."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store
        self.lost = False
        self.calls = 0

    async def accept_all(self, asked: Sequence[NewOrder], *, lease_ms: int) -> Any:
        self.calls += 1
        answers = await self._store.accept_all(asked, lease_ms=lease_ms)
        if not self.lost:
            self.lost = True
            raise ConnectionResetError
        return answers


@pytest.fixture
async def store(database: AsyncEngine, hot: HotPool) -> OrderStore:
    return OrderStore(database, hot)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def door(store: OrderStore, told: Told) -> OrderDoor:
    return OrderDoor(store, told, lease_ms=LEASE_MS)


async def stored(store: OrderStore, order: Order) -> list[OrderEvent]:
    return await store.events_after({order.id: 0})


async def test_what_is_told_is_what_is_stored(
    store: OrderStore, door: OrderDoor, told: Told
) -> None:
    order, is_new = await door.accept(new_order())
    assert is_new
    routing = await door.advance(step(order, S.ROUTING))
    assert routing is not None
    failed = await door.advance(step(routing, S.FAILED, executed_price=None))
    assert failed is not None

    assert told.events == await stored(store, order)


async def test_of_what_was_not_committed_nothing_is_told(
    store: OrderStore, door: OrderDoor, told: Told
) -> None:
    order = await accepted(store)
    await door.advance(step(order, S.CANCELED, attempt=0))

    assert await door.advance(step(order, S.ROUTING)) is None

    assert [event.status for event in told.events] == [S.CANCELED]


async def test_a_bad_step_fails_alone(store: OrderStore, door: OrderDoor, told: Told) -> None:
    good, bad = await accepted(store), await accepted(store)

    answers = await asyncio.gather(
        door.advance(step(bad, S.ROUTING, attempt=-1)),
        door.advance(step(good, S.ROUTING)),
        return_exceptions=True,
    )

    assert isinstance(answers[0], asyncpg.CheckViolationError)
    assert isinstance(answers[1], Order)
    assert answers[1].status is S.ROUTING
    assert [event.order_id for event in told.events] == [good.id]


async def test_of_many_steps_in_bulk_a_bad_one_keeps_none_back(
    store: OrderStore, door: OrderDoor, told: Told
) -> None:
    orders = [await accepted(store) for _ in range(5)]
    steps = [step(order, S.ROUTING) for order in orders]
    steps[2] = step(orders[2], S.ROUTING, attempt=-1)

    moved = await door.advance_all(steps)

    assert [order.id for order in moved] == [o.id for o in orders if o is not orders[2]]
    assert {event.order_id for event in told.events} == {order.id for order in moved}


async def test_a_group_whose_database_is_away_fails_once_and_tells_nothing(
    store: OrderStore, told: Told
) -> None:
    flaky = Flaky(store)
    door = OrderDoor(flaky, told, lease_ms=LEASE_MS)

    answers = await asyncio.gather(
        *(door.accept(new_order()) for _ in range(100)), return_exceptions=True
    )

    assert all(isinstance(answer, ConnectionResetError) for answer in answers)
    assert (flaky.calls, told.events) == (1, [])


async def test_orders_whose_commits_answer_was_lost_are_known_for_ones_own(
    store: OrderStore, told: Told
) -> None:
    door = OrderDoor(Flaky(store), told, lease_ms=LEASE_MS)
    new = new_order()
    with pytest.raises(ConnectionResetError):
        await door.accept(new)

    order, is_new = await door.accept(new)

    assert (order.id, is_new) == (new.id, True)
    assert told.events == await stored(store, order)
