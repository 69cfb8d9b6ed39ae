"""Many orderStatus streams at once, a WebSocket connection each.

Orders come at a steady pace, each followed from the moment it is accepted. The worker is told to
confirm none before all are open and measured; then another takes its place, and all end at once.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench.load import Connection, submit_order
from bench.report import Report
from bench.stack import NO_DELAY, BenchFailed, Engine, Servers
from bench.usage import memory_mb
from bench.websocket import Socket

EVENTS_PER_SECOND = 500
_FOLLOW = """
subscription Follow($orderId: ID!, $after: Int) {
  orderStatus(orderId: $orderId, after: $after) { sequence status occurredAt }
}
"""
_EVENTS_BEFORE_THE_LAST = 3  # ROUTING, BUILDING, SUBMITTED
_CONFIRMED_LATE = {"slot_ms": 2_000, "confirmation_slots": 150}  # five minutes
_OPENED_AT_ONCE = 50
_SUBMITTED_AT_ONCE = 16
_PATIENCE_SECONDS = 300


@dataclass(slots=True)
class _Followed:
    """What all streams were sent so far, and how late."""

    seen: Counter[str] = field(default_factory=Counter)
    delays_ms: list[float] = field(default_factory=list)
    """From an event's occurredAt to its frame at the client. occurredAt is Postgres's now(), when
    its statement began: the time to commit is in it. Both clocks are this machine's."""
    broken: Exception | None = None

    def fail(self, error: Exception) -> None:
        self.broken = self.broken or error

    async def until(self, kind: str, count: int) -> None:
        """Return once `count` streams were sent this status, or `complete`; BenchFailed if not."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.seen[kind] < count:
            if self.broken:
                raise self.broken
            if time.monotonic() > deadline:
                raise BenchFailed(f"of {count} streams these were sent to the client: {self.seen}")
            await asyncio.sleep(0.1)


async def measure_streams(servers: Servers, database: str, count: int, report: Report) -> Engine:
    """Follow `count` orders to their end. Raises BenchFailed on a gap or a break."""
    per_second = EVENTS_PER_SECOND / _EVENTS_BEFORE_THE_LAST
    async with (
        Engine.running(servers, database, {**NO_DELAY, **_CONFIRMED_LATE}) as engine,
        AsyncExitStack() as stack,
    ):
        api = {"api": engine.processes()["api"]}
        before_mb = memory_mb(api)["api"]
        sockets = await _open(engine.url, count, stack)
        followed, began = _Followed(), time.monotonic()
        await _submit_at_pace(engine.url, sockets, followed, per_second)
        await followed.until("SUBMITTED", count)
        seconds = time.monotonic() - began
        events = followed.seen.total()
        kb_each = (memory_mb(api)["api"] - before_mb) * 1000 / count
        report.section(f"Streams, {count:,} of one api, {EVENTS_PER_SECOND} events a second")
        report.add("open at once", count - followed.seen["complete"], "", at_least=count)
        report.add("events a second", events / seconds, "1/s")
        report.add("memory of the api, each", kb_each, "kB", at_most=40)
        report.add_percentiles("commit to client", followed.delays_ms, "ms", at_most=(None, 100))
        engine.restart("worker", confirmation_slots=0)
        await followed.until("complete", count)
    return engine


async def _open(url: str, count: int, stack: AsyncExitStack) -> list[Socket]:
    sockets: list[Socket] = []
    while len(sockets) < count:
        some = [Socket(url) for _ in range(min(_OPENED_AT_ONCE, count - len(sockets)))]
        sockets += await asyncio.gather(*(stack.enter_async_context(socket) for socket in some))
    return sockets


async def _submit_at_pace(
    url: str, sockets: Sequence[Socket], followed: _Followed, per_second: float
) -> None:
    """Submit an order for each socket, which follows it once it is accepted."""
    numbers, began = iter(range(len(sockets))), time.monotonic()

    async def submit() -> None:
        async with Connection(url) as connection:
            for number in numbers:
                await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
                order_id = await submit_order(connection, "stream", number)
                _follow(sockets[number], order_id, followed)

    async with asyncio.TaskGroup() as submitting:
        for _ in range(_SUBMITTED_AT_ONCE):
            submitting.create_task(submit())


def _follow(socket: Socket, order_id: str, followed: _Followed) -> None:
    subscribed, seen, status = time.time(), 1, "PENDING"

    def take(frame: dict[str, Any]) -> None:
        nonlocal seen, status
        received = time.time()
        if frame["type"] == "complete":
            if status != "CONFIRMED":
                raise BenchFailed(f"the stream of {order_id} ended with {status}")
            followed.seen["complete"] += 1
            return
        if frame["type"] != "next" or frame["payload"].get("errors"):
            raise BenchFailed(f"the stream of {order_id} was sent {frame}")
        event = frame["payload"]["data"]["orderStatus"]
        if event["sequence"] != seen + 1:
            raise BenchFailed(f"event {event['sequence']} of {order_id} came after {seen}")
        seen, status = event["sequence"], event["status"]
        followed.seen[status] += 1
        occurred = datetime.fromisoformat(event["occurredAt"]).timestamp()
        if occurred > subscribed:  # else it was read back, not delivered
            followed.delays_ms.append((received - occurred) * 1000)

    payload = {"query": _FOLLOW, "variables": {"orderId": order_id, "after": seen}}
    socket.listen(take, followed.fail)
    socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
