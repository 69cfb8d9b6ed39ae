"""A real worker on a real Redis: Retries, backoff, and the last word on an order."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Iterator

import pytest
from dramatiq import Worker

from engine.errors import ErrorCode
from engine.orders.event import OrderEvent
from engine.orders.status import OrderStatus
from models.orders.tables import Order
from tasks.actors import broker
from tasks.route_order import route_order
from tests.factories import accepted
from tests.tasks.conftest import Wired, middleware
from tests.venues import ScriptedVenue, unavailable
from wiring.settings import Settings

S = OrderStatus
DEADLINE_SECONDS = 30


@pytest.fixture
def worker_with(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Start a worker whose actors see the test's database and the venues given."""
    workers: list[Worker] = []
    broker.flush_all()
    monkeypatch.setattr(middleware(), "_settings", settings)

    def worker_with(*venues: ScriptedVenue) -> None:
        worker = Worker(broker, worker_timeout=20, worker_threads=4)
        worker.start()
        workers.append(worker)
        opened = middleware().resources
        for venue in venues:
            venue.ledger = opened.ledger
        middleware().use(dataclasses.replace(opened, venues=list(venues)))

    yield worker_with
    for worker in workers:
        worker.stop(timeout=5_000)
    broker.flush_all()


async def ended(resources: Wired, order: Order) -> list[OrderEvent]:
    """Wait for the order to be sent or to have ended, and return its events."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            events = await resources.orders.events_after({order.id: 0})
            if events[-1].status in (S.SUBMITTED, S.FAILED):
                return events
            await asyncio.sleep(0.01)


async def test_a_transient_fault_is_retried_with_growing_backoff(
    resources: Wired, worker_with: Callable[..., None]
) -> None:
    worker_with(ScriptedVenue(quote_errors=[unavailable(), unavailable()]))
    order = await accepted(resources.orders)

    route_order.send(str(order.id))

    events = await ended(resources, order)
    assert [(e.status, e.attempt) for e in events] == [
        (S.PENDING, 0),
        (S.ROUTING, 1),
        (S.ROUTING, 2),
        (S.ROUTING, 3),
        (S.BUILDING, 3),
        (S.SUBMITTED, 3),
    ]


async def test_after_three_attempts_the_order_fails_and_the_queue_is_empty(
    resources: Wired, worker_with: Callable[..., None]
) -> None:
    venue = ScriptedVenue(quote_errors=[unavailable()] * 10)
    worker_with(venue)
    order = await accepted(resources.orders)

    route_order.send(str(order.id))

    events = await ended(resources, order)
    assert (events[-1].status, events[-1].attempt) == (S.FAILED, 3)
    assert events[-1].failure is not None
    assert events[-1].failure.code is ErrorCode.VENUE_UNAVAILABLE
    assert venue.quoted == 3
    await asyncio.to_thread(broker.join, "orders", timeout=5_000)


async def test_a_bug_in_a_step_ends_its_order_and_no_other(
    resources: Wired, worker_with: Callable[..., None]
) -> None:
    worker_with(ScriptedVenue(quote_errors=[ZeroDivisionError("a bug")]))
    unlucky = await accepted(resources.orders)

    route_order.send(str(unlucky.id))

    events = await ended(resources, unlucky)
    assert events[-1].failure is not None
    assert (events[-1].status, events[-1].failure.code) == (S.FAILED, ErrorCode.INTERNAL)
    other = await accepted(resources.orders)
    route_order.send(str(other.id))
    assert (await ended(resources, other))[-1].status is S.SUBMITTED


async def test_messages_about_unknown_orders_do_no_harm(
    resources: Wired, worker_with: Callable[..., None]
) -> None:
    worker_with(ScriptedVenue())

    route_order.send("01a1f8d4-2d3f-73b1-8b3a-390ea7b84b77")

    await asyncio.to_thread(broker.join, "orders", timeout=10_000)


async def test_a_hundred_slow_quotes_do_not_queue_up_behind_each_other(
    resources: Wired, settings: Settings, worker_with: Callable[..., None]
) -> None:
    venue = ScriptedVenue(quote_seconds=0.05)
    worker_with(venue)
    orders = [await accepted(resources.orders) for _ in range(20)]
    started = time.monotonic()

    for order in orders:
        route_order.send(str(order.id))
    for order in orders:
        await ended(resources, order)

    assert time.monotonic() - started < 20 * 0.05 * 10
    assert venue.quoted == len(orders)
