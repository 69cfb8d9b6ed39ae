"""The clock: of several one ticks, another takes over, and nobody fills a queue nobody empties."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from dramatiq import Message
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.database import open_database
from tasks import clock
from tasks.actors import run_slot
from tasks.broker import CLOCK, broker
from wiring.settings import Settings

DEADLINE_SECONDS = 20

StartClock = Callable[[], Awaitable[tuple[asyncio.Task[None], "Ticks"]]]


class Ticks(list[str]):
    """Stands where a clock's Sender does and keeps the names of what it sent."""

    unsent = 0

    def send(self, message: Message[Any], *, delay_ms: int | None = None) -> None:
        self.append(message.actor_name)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self) < count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def start_clock(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StartClock]:
    """Start a clock with a database connection of its own; return its task and its ticks."""
    broker.flush_all()
    fast = settings.model_copy(update={"slot_ms": 20, "sweep_interval_ms": 50})
    running: list[asyncio.Task[None]] = []
    monkeypatch.setattr(clock, "_STANDBY_SECONDS", 0.02)

    async def run(ticks: Ticks) -> None:
        monkeypatch.setattr(clock, "Sender", lambda broker: ticks)
        async with open_database(settings.require_database_url, pool_size=2) as database:
            await clock._run(database, fast)

    async def start_clock() -> tuple[asyncio.Task[None], Ticks]:
        ticks = Ticks()
        task = asyncio.create_task(run(ticks))
        running.append(task)
        await asyncio.sleep(0)  # it has taken its ticks by then
        return task, ticks

    yield start_clock
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_a_clock_sends_the_slot_and_now_and_then_the_sweep(
    start_clock: Callable[[], Awaitable[tuple[asyncio.Task[None], Ticks]]],
) -> None:
    _, ticks = await start_clock()

    await ticks.until(20)

    assert set(ticks) == {"devnet.run_slot", "orders.sweep"}
    assert ticks.count("devnet.run_slot") > ticks.count("orders.sweep") > 1


async def test_of_two_clocks_one_ticks_and_the_other_takes_over(
    start_clock: Callable[[], Awaitable[tuple[asyncio.Task[None], Ticks]]],
) -> None:
    leader, first = await start_clock()
    await first.until(3)
    _, second = await start_clock()
    await first.until(len(first) + 20)
    assert second == []

    leader.cancel()

    await second.until(3)


async def test_a_leader_cut_off_from_the_database_steps_down_and_comes_back(
    start_clock: Callable[[], Awaitable[tuple[asyncio.Task[None], Ticks]]], database: AsyncEngine
) -> None:
    _, ticks = await start_clock()
    await ticks.until(3)

    async with database.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    await ticks.until(len(ticks) + 10)


async def test_ticks_that_nobody_takes_do_not_pile_up(
    start_clock: Callable[[], Awaitable[tuple[asyncio.Task[None], Ticks]]],
) -> None:
    for _ in range(6):
        run_slot.send()
    _, ticks = await start_clock()

    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(10):
            await asyncio.sleep(0.02)

    assert ticks == []


async def test_ticks_that_a_dead_worker_holds_do_not_keep_the_clock_from_ticking(
    start_clock: Callable[[], Awaitable[tuple[asyncio.Task[None], Ticks]]],
) -> None:
    for _ in range(6):
        run_slot.send()
    held = broker.consume(CLOCK, prefetch=6)
    assert next(held) is not None  # all six are fetched, and none will ever be acknowledged
    _, ticks = await start_clock()

    await ticks.until(10)


async def test_an_outage_of_redis_does_not_end_the_clock(
    start_clock: StartClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = True

    def waiting(queue: str) -> int:
        if away:
            raise RedisConnectionError
        return 0

    monkeypatch.setattr(clock, "waiting", waiting)
    task, ticks = await start_clock()
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(10):
            await asyncio.sleep(0.02)
    assert (list(ticks), task.done()) == ([], False)

    away = False

    await ticks.until(3)


async def test_a_clock_that_fails_says_so_to_whoever_started_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(clock, "_lead", fail)

    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(ZeroDivisionError):
            await clock.run_clock(settings)
