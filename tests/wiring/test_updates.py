"""Updates between processes, over a real Redis whose connections are cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from engine.orders.event import OrderEvent
from engine.orders.status import OrderStatus
from tests.waiting import until
from wiring.settings import get_settings
from wiring.updates import Hint, Updates, open_updates

DEADLINE_SECONDS = 20


def event(sequence: int = 1) -> OrderEvent:
    return OrderEvent(
        order_id=uuid4(),
        sequence=sequence,
        status=OrderStatus.PENDING,
        attempt=0,
        occurred_at=datetime.now(UTC),
    )


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    async with Redis.from_url(get_settings().require_redis_url) as client:
        yield client


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def told(*events: OrderEvent) -> list[str]:
    return [event.model_dump_json(exclude_defaults=True) for event in events]


class Listener:
    """A process that listens: what it heard, and how often it was told it may have missed some."""

    def __init__(self, updates: Updates) -> None:
        self.heard: list[OrderEvent] = []
        self.missed = 0
        self._task = asyncio.create_task(self._listen(updates))

    async def _listen(self, updates: Updates) -> None:
        async for hints in updates.receive():
            if hints is None:
                self.missed += 1
            else:
                self.heard += [hint.read() for hint in hints]

    async def has_heard(self, count: int) -> None:
        await until(lambda: len(self.heard) == count)

    async def has_missed(self, count: int) -> None:
        await until(lambda: self.missed >= count)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def listening(stack: AsyncExitStack) -> tuple[Updates, Listener]:
    updates = await stack.enter_async_context(open_updates(get_settings().require_redis_url))
    listener = Listener(updates)
    stack.push_async_callback(listener.stop)
    await until(lambda: updates.listening)
    return updates, listener


async def test_the_first_event_after_subscribing_arrives(stack: AsyncExitStack) -> None:
    updates, listener = await listening(stack)
    sent = event()

    await updates.publish(told(sent))

    await until(lambda: listener.heard)
    assert listener.heard == [sent]


async def test_every_process_hears_every_event_in_order(stack: AsyncExitStack) -> None:
    everybody = [await listening(stack) for _ in range(5)]
    sent = [event(n) for n in range(1, 1_001)]

    await everybody[0][0].publish(told(*sent))

    for _, listener in everybody:
        await listener.has_heard(len(sent))
        assert listener.heard == sent


async def test_a_killed_connection_is_replaced_and_the_gap_is_told(
    stack: AsyncExitStack, redis: Redis
) -> None:
    updates, listener = await listening(stack)
    missed_before = listener.missed

    await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    await until(lambda: listener.missed > missed_before and updates.listening)
    sent = event()
    await updates.publish(told(sent))
    await until(lambda: sent in listener.heard)


async def test_connections_killed_again_and_again_do_not_deafen_anybody(
    stack: AsyncExitStack, redis: Redis
) -> None:
    everybody = [await listening(stack) for _ in range(3)]

    for round_ in range(5):
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        sent = event(round_ + 1)
        for _, listener in everybody:
            await listener.has_missed(listener.missed)
        await until(lambda: all(updates.listening for updates, _ in everybody))
        # A hint may still be lost; what matters is that later ones arrive.
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not all(sent in listener.heard for _, listener in everybody):
                await everybody[0][0].publish(told(sent))
                await asyncio.sleep(0.05)


async def test_publishing_without_redis_neither_waits_nor_fails() -> None:
    async with open_updates("redis://127.0.0.1:1/0") as updates:
        async with asyncio.timeout(5):
            for n in range(1, 30_000):
                await updates.publish(told(event(n)))

        assert not updates.listening


async def test_whose_event_a_hint_is_can_be_seen_without_reading_it(stack: AsyncExitStack) -> None:
    sent = event()

    assert Hint(told(sent)[0]).order_id == str(sent.order_id)


@pytest.mark.parametrize("text", ["", "nonsense", '{"order_id":"x"}', "[]"])
def test_what_is_no_event_reads_as_none(text: str) -> None:
    assert Hint(text).read() is None
