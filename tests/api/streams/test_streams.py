"""orderStatus: each event once, in order, to the end, whatever is lost on the way."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from api.graphql.context import Context
from api.roots.schema import schema
from api.streams.hub import Follower, Hub
from engine.orders.event import OrderEvent
from engine.orders.status import OrderStatus
from models.orders.store import Moved
from models.orders.tables import Order
from tests.api.asking import Asking
from tests.factories import accepted, advanced, move, step
from wiring.updates import Hint

S = OrderStatus
PATH = (S.ROUTING, S.BUILDING, S.SUBMITTED, S.CONFIRMED)
FOLLOW = """
subscription Follow($id: ID!, $after: Int) {
  orderStatus(orderId: $id, after: $after) {
    sequence status previousStatus occurredAt order { id sequence isTerminal }
  }
}
"""


class LostHints:
    """Updates of which a test decides what arrives: what a lossy network would let through."""

    listening = True

    def __init__(self) -> None:
        self.hints: asyncio.Queue[OrderEvent | None] = asyncio.Queue()

    async def receive(self) -> AsyncIterator[list[Hint] | None]:
        while True:
            event = await self.hints.get()
            if event is None:
                yield None
            else:
                yield [Hint(event.model_dump_json(exclude_defaults=True))]


@pytest.fixture
async def hub_of(ask: Asking) -> AsyncIterator[Callable[..., Hub]]:
    """A hub on given updates, polling only every minute unless told otherwise."""
    running: list[asyncio.Task[None]] = []

    def hub_of(updates: Any, poll_interval_ms: int = 60_000) -> Hub:
        hub = Hub(ask.services.orders, updates, poll_interval_ms=poll_interval_ms)
        running.append(asyncio.create_task(hub.run()))
        return hub

    yield hub_of
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def follow(hub: Hub, order: Order, after: int = 0) -> list[int]:
    async with asyncio.timeout(20), aclosing(hub.follow(order.id, after)) as events:
        return [event.sequence async for event in events]


async def live(ask: Asking, order: Order, status: OrderStatus) -> Moved:
    """Move an order the way a worker does, but tell nobody."""
    moved = await move(ask.services.orders, step(order, status))
    assert moved is not None
    return moved


async def subscribe(ask: Asking, id: object, after: int = 0) -> list[Any]:
    context = Context(services=ask.services, request_id="test")
    stream = await schema.subscribe(FOLLOW, {"id": str(id), "after": after}, context)
    async with asyncio.timeout(20), aclosing(stream) as results:
        return [result async for result in results]


async def test_an_ended_order_is_replayed_whole_and_the_stream_ends(ask: Asking) -> None:
    order = await advanced(ask.services.orders, await accepted(ask.services.orders), *PATH)

    results = await subscribe(ask, order.id)

    events = [result.data["orderStatus"] for result in results]
    assert [(e["sequence"], e["status"]) for e in events] == [
        (1, "PENDING"),
        (2, "ROUTING"),
        (3, "BUILDING"),
        (4, "SUBMITTED"),
        (5, "CONFIRMED"),
    ]
    assert events[0]["order"] == {"id": str(order.id), "sequence": 5, "isTerminal": True}


@pytest.mark.parametrize("after", range(6))
async def test_resuming_after_k_gives_k_plus_one_and_on(ask: Asking, after: int) -> None:
    order = await advanced(ask.services.orders, await accepted(ask.services.orders), *PATH)

    results = await subscribe(ask, order.id, after)

    sequences = [result.data["orderStatus"]["sequence"] for result in results]
    assert sequences == list(range(after + 1, 6))


async def test_a_replay_is_identical(ask: Asking) -> None:
    order = await advanced(ask.services.orders, await accepted(ask.services.orders), *PATH)

    first, second = [await subscribe(ask, order.id) for _ in range(2)]

    assert [r.data for r in first] == [r.data for r in second]


@pytest.mark.parametrize(
    ("id", "after", "said"),
    [
        ("01a1f8d4-2d3f-73b1-8b3a-390ea7b84b77", 0, "There is no order of this id."),
        ("nonsense", 0, "There is no order of this id."),
        ("", 0, "There is no order of this id."),
        (None, 2, "`after` is 0 to 1"),
        (None, -1, "`after` is 0 to 1"),
    ],
)
async def test_what_cannot_be_followed_is_one_clear_error(
    ask: Asking, id: object, after: int, said: str
) -> None:
    order = await accepted(ask.services.orders)

    (result,) = await subscribe(ask, order.id if id is None else id, after)

    (error,) = result.errors
    assert said in error.message
    assert error.extensions == {"code": "INVALID_ARGUMENT"}


async def test_events_arrive_live_and_the_hub_forgets_the_stream_at_its_end(
    ask: Asking, hub_of: Callable[..., Hub]
) -> None:
    updates = LostHints()
    hub = hub_of(updates)
    order = await accepted(ask.services.orders)
    following = asyncio.create_task(follow(hub, order))

    for status in PATH:
        moved = await live(ask, order, status)
        order = moved.order
        updates.hints.put_nowait(moved.event)

    assert await following == [1, 2, 3, 4, 5]
    assert hub.streams == 0


async def test_without_any_hint_the_poll_brings_every_event(
    ask: Asking, hub_of: Callable[..., Hub]
) -> None:
    hub = hub_of(LostHints(), poll_interval_ms=20)
    order = await accepted(ask.services.orders)
    following = asyncio.create_task(follow(hub, order))

    await advanced(ask.services.orders, order, *PATH)

    assert await following == [1, 2, 3, 4, 5]


async def test_a_reconnect_reads_what_was_missed_at_once(
    ask: Asking, hub_of: Callable[..., Hub]
) -> None:
    updates = LostHints()
    hub = hub_of(updates)
    order = await accepted(ask.services.orders)
    following = asyncio.create_task(follow(hub, order))
    async with asyncio.timeout(10):
        while not hub.streams:
            await asyncio.sleep(0.005)

    await advanced(ask.services.orders, order, *PATH)
    updates.hints.put_nowait(None)

    assert await following == [1, 2, 3, 4, 5]


async def test_hints_lost_doubled_and_out_of_order_give_the_same_stream(
    ask: Asking, hub_of: Callable[..., Hub]
) -> None:
    random_ = random.Random(7)
    updates = LostHints()
    hub = hub_of(updates, poll_interval_ms=50)
    orders = [await accepted(ask.services.orders) for _ in range(40)]
    streams = [asyncio.create_task(follow(hub, order)) for order in orders for _ in range(5)]
    hints: list[OrderEvent] = []

    for status in PATH:
        moved = [await live(ask, order, status) for order in orders]
        orders = [m.order for m in moved]
        hints += [m.event for m in moved]
        some = random_.choices(hints, k=len(orders))
        for hint in some:
            updates.hints.put_nowait(hint)

    assert await asyncio.gather(*streams) == [[1, 2, 3, 4, 5]] * len(streams)
    assert hub.streams == 0


async def test_the_hub_survives_an_outage_of_the_database(
    ask: Asking, hub_of: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hub_of(LostHints(), poll_interval_ms=20)
    order = await accepted(ask.services.orders)
    following = asyncio.create_task(follow(hub, order))
    async with asyncio.timeout(10):
        while not hub.streams:
            await asyncio.sleep(0.005)
    real = ask.services.orders.events_after
    failures = iter(range(5))

    async def away(seen: Any) -> Any:
        if next(failures, None) is not None:
            raise ConnectionRefusedError
        return await real(seen)

    monkeypatch.setattr(ask.services.orders, "events_after", away)
    await advanced(ask.services.orders, order, *PATH)

    assert await following == [1, 2, 3, 4, 5]


async def test_a_client_that_leaves_is_forgotten(ask: Asking, hub_of: Callable[..., Hub]) -> None:
    hub = hub_of(LostHints())
    order = await accepted(ask.services.orders)
    events = hub.follow(order.id, 0)
    await anext(events)
    assert hub.streams == 1

    await events.aclose()

    assert hub.streams == 0


async def test_a_follower_takes_only_the_next_event(ask: Asking) -> None:
    order = await advanced(ask.services.orders, await accepted(ask.services.orders), *PATH)
    events = await ask.services.orders.events_after({order.id: 0})
    follower = Follower(order.id, 0)

    follower.offer(events[1])
    assert (follower.sequence, follower.behind) == (0, True)
    follower.offer(events[0])
    follower.offer(events[0])
    assert (follower.sequence, follower.behind) == (1, False)
