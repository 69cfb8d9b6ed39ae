"""orderEvents: all orders, each in order, whatever hints do and however slowly one reads."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest

from api.graphql.context import Context
from api.roots.schema import schema
from api.streams import event_feed
from api.streams.event_feed import EventFeed, TooSlow
from engine.orders.event import OrderEvent
from engine.orders.status import OrderStatus
from tests.api.asking import Asking
from tests.factories import accepted, advanced, move, step

S = OrderStatus
PATH = (S.ROUTING, S.BUILDING, S.SUBMITTED, S.CONFIRMED)
PATIENCE_SECONDS = 20
ALL = """
subscription($filter: OrderFilter) {
  orderEvents(filter: $filter) { orderId sequence status order { type } }
}
"""


@pytest.fixture
async def feed(ask: Asking) -> AsyncIterator[EventFeed]:
    feed = EventFeed(ask.services.orders)
    running = asyncio.create_task(feed.run())
    yield feed
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def lives(ask: Asking, count: int) -> dict[UUID, list[OrderEvent]]:
    """The events of some orders from first to last, told to nobody."""
    store = ask.services.orders
    orders = [await accepted(store) for _ in range(count)]
    told = {order.id: (await store.events_after({order.id: 0})) for order in orders}
    for status in PATH:
        moved = [await move(store, step(order, status)) for order in orders]
        orders = [m.order for m in moved]
        for m in moved:
            told[m.order.id].append(m.event)
    return told


async def read(reader: Any, count: int) -> list[Any]:
    events: list[Any] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(events) < count:
            events += await reader.take(7)
    return events


def by_order(events: Iterable[Any]) -> dict[UUID, list[int]]:
    found: dict[Any, list[int]] = {}
    for event in events:
        found.setdefault(event.order_id, []).append(event.sequence)
    return found


async def test_hints_late_lost_and_doubled_give_each_order_whole_and_in_order(
    ask: Asking, feed: EventFeed
) -> None:
    chance = random.Random(3)
    with feed.read() as reader:
        told = await lives(ask, 30)
        hints = [event for events in told.values() for event in events[:-1]]
        hints = chance.sample(hints, len(hints) * 3 // 4) + chance.choices(hints, k=30)
        # The last event of each comes through, after some that overtook each other.
        for event in hints + [events[-1] for events in told.values()]:
            feed.offer(event)
        events = await read(reader, 30 * 5)

    assert by_order(events) == {id: [1, 2, 3, 4, 5] for id in told}


async def test_after_a_lost_connection_what_was_stored_meanwhile_is_read(
    ask: Asking, feed: EventFeed
) -> None:
    with feed.read() as reader:
        told = await lives(ask, 5)
        feed.offer(None)
        events = await read(reader, 25)

    assert by_order(events) == {id: [1, 2, 3, 4, 5] for id in told}


async def test_of_an_order_older_than_the_feed_only_what_is_new_comes(
    ask: Asking, feed: EventFeed
) -> None:
    order = await advanced(ask.services.orders, await accepted(ask.services.orders), S.ROUTING)
    await asyncio.sleep(0.002)  # ids are ordered by the millisecond
    with feed.read() as reader:
        moved = await move(ask.services.orders, step(order, S.BUILDING))
        feed.offer(moved.event)
        (event,) = await read(reader, 1)

    assert event.sequence == 3


async def test_a_slow_reader_gets_the_newest_of_each_order_and_never_goes_back(
    ask: Asking, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "_QUEUED_EVENTS", 20)
    with feed.read() as reader:
        told = await lives(ask, 15)
        for n in range(5):
            for events in told.values():
                feed.offer(events[n])
        held = len(reader._queue)
        events = await read(reader, held)

    assert held <= 20
    found = by_order(events)
    assert all(sequences == sorted(sequences) for sequences in found.values())
    assert {id: sequences[-1] for id, sequences in found.items()} == dict.fromkeys(told, 5)


async def test_a_reader_beyond_all_patience_is_told_so(
    ask: Asking, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "_QUEUED_EVENTS", 5)
    monkeypatch.setattr(event_feed, "_QUEUED_ORDERS", 10)
    with feed.read() as reader:
        for events in (await lives(ask, 12)).values():
            feed.offer(events[0])
        with pytest.raises(TooSlow):
            await reader.take(1)


async def test_without_readers_nothing_is_kept(ask: Asking, feed: EventFeed) -> None:
    for events in (await lives(ask, 3)).values():
        for event in events:
            feed.offer(event)

    assert (len(feed._newest), feed._readers) == (0, set())


async def test_the_subscription_follows_orders_as_they_are_placed_and_moved(ask: Asking) -> None:
    stream = await schema.subscribe(ALL, {}, Context(services=ask.services, request_id="test"))
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(stream) as results:
        following = asyncio.ensure_future(anext(results))
        while not ask.services.hub.feed._readers:
            await asyncio.sleep(0.005)
        told = await lives(ask, 2)
        for events in told.values():
            await ask.services.updates.publish(
                event.model_dump_json(exclude_defaults=True) for event in events
            )
        first = (await following).data["orderEvents"]
        rest = [(await anext(results)).data["orderEvents"] for _ in range(9)]

    found: dict[Any, list[int]] = {}
    for event in [first, *rest]:
        found.setdefault(event["orderId"], []).append(event["sequence"])
    assert found == {str(id): [1, 2, 3, 4, 5] for id in told}


async def test_the_filter_is_that_of_the_history(ask: Asking) -> None:
    stream = await schema.subscribe(
        ALL,
        {"filter": {"status": ["CONFIRMED"], "tokenIn": "SOL"}},
        Context(services=ask.services, request_id="test"),
    )
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(stream) as results:
        following = asyncio.ensure_future(anext(results))
        while not ask.services.hub.feed._readers:
            await asyncio.sleep(0.005)
        for events in (await lives(ask, 1)).values():
            await ask.services.updates.publish(
                event.model_dump_json(exclude_defaults=True) for event in events
            )
        event = (await following).data["orderEvents"]

    assert (event["status"], event["sequence"]) == ("CONFIRMED", 5)
