"""Many orderStatus streams at once, a WebSocket connection each, through the `websockets` client.

Orders come at a steady pace, each followed from the moment it is accepted. The devnet is told to
confirm so late that all streams are open when the first order ends.
"""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.load import Connection, submit_order
from bench.stack import BenchFailed

_FOLLOW = """
subscription Follow($orderId: ID!, $after: Int) {
  orderStatus(orderId: $orderId, after: $after) { sequence status occurredAt }
}
"""
_PROTOCOL = Subprotocol("graphql-transport-ws")
_OPENED_AT_ONCE = 50
_END_SECONDS = 120


@dataclass(slots=True)
class Followed:
    """What came of following: how late events came, and what the API held for it."""

    streams: int
    open_at_once: int = 0
    memory_before_mb: float = 0.0
    memory_open_mb: float = 0.0
    delays_ms: list[float] = field(default_factory=list)
    """From an event's occurredAt to its frame at the client. occurredAt is Postgres's now(), when
    its statement began: the time to commit is in it. Both clocks are this machine's."""

    @property
    def kb_per_stream(self) -> float:
        return (self.memory_open_mb - self.memory_before_mb) * 1000 / self.streams


async def follow_orders(
    url: str, count: int, *, per_second: float, api_memory_mb: Callable[[], float]
) -> Followed:
    """Submit and follow `count` orders to their end. Raises BenchFailed on a gap or a break."""
    followed = Followed(count, memory_before_mb=api_memory_mb())
    async with AsyncExitStack() as sockets, Connection(url) as mutations:
        connections: list[ClientConnection] = []
        while len(connections) < count:
            some = min(_OPENED_AT_ONCE, count - len(connections))
            connections += await asyncio.gather(*(_open(url, sockets) for _ in range(some)))
        streams = []
        began = time.monotonic()
        for number, connection in enumerate(connections):
            order_id = await submit_order(mutations, f"stream-{number}", number)
            streams.append(asyncio.create_task(_follow(connection, order_id, followed)))
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        followed.open_at_once = sum(not stream.done() for stream in streams)
        followed.memory_open_mb = api_memory_mb()
        async with asyncio.timeout(_END_SECONDS):
            await asyncio.gather(*streams)
    return followed


async def _open(url: str, sockets: AsyncExitStack) -> ClientConnection:
    connection = await sockets.enter_async_context(
        connect("ws" + url.removeprefix("http"), subprotocols=[_PROTOCOL], compression=None)
    )
    await connection.send(json.dumps({"type": "connection_init"}))
    _require(json.loads(await connection.recv()), "connection_ack")
    return connection


async def _follow(connection: ClientConnection, order_id: str, followed: Followed) -> None:
    subscribed, seen = time.time(), 1
    variables = {"orderId": order_id, "after": seen}
    payload = {"query": _FOLLOW, "variables": variables}
    await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    status = "PENDING"
    while True:
        frame = json.loads(await connection.recv())
        received = time.time()
        if frame["type"] == "complete":
            break
        event = _require(frame, "next")["payload"]["data"]["orderStatus"]
        if event["sequence"] != seen + 1:
            raise BenchFailed(f"event {event['sequence']} of {order_id} came after {seen}")
        seen, status = event["sequence"], event["status"]
        occurred = datetime.fromisoformat(event["occurredAt"]).timestamp()
        if occurred > subscribed:  # else it was read back, not delivered
            followed.delays_ms.append((received - occurred) * 1000)
    if status != "CONFIRMED":
        raise BenchFailed(f"the stream of {order_id} ended with {status}")


def _require(frame: dict[str, Any], kind: str) -> dict[str, Any]:
    if frame["type"] != kind:
        raise BenchFailed(f"a stream was sent {frame} instead of {kind}")
    return frame
