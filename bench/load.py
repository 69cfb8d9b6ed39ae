"""The load: mutations over HTTP/1.1 connections that are kept alive.

It shares the machine's few cores with what it measures. So requests are made before the clock runs,
and a connection is asyncio's own transport with the least HTTP that a keep-alive client needs: no
task, future or timer per request. It answers for nothing but status 200, a Content-Length and a
JSON body. Every answer is read in full: one that says no ends the run.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import cycle, islice
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from bench.stack import BenchFailed

_EXECUTE = """
mutation Execute($input: ExecuteMarketOrderInput!) {
  executeMarketOrder(input: $input) { order { id status } userErrors { code message } }
}
"""
# To and fro, worth the same at the start: pools answer to trades, and a load that only sold would
# drain them until orders failed by rights. The market moves as it does by default.
_SWAPS = (
    ("SOL", "USDC", "0.1"),
    ("USDC", "SOL", "15"),
    ("JUP", "SOL", "3"),
    ("SOL", "JUP", "0.01"),
)
_ANSWER_SECONDS = 30


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection that carries one request at a time."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._head = (
            f"POST {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\n"
            "content-type: application/json\r\naccept: application/json\r\ncontent-length: "
        ).encode()
        self._received = b""
        self._answered: Callable[[bytes], None] | None = None
        self._failed: Callable[[Exception], None] | None = None
        self._transport: asyncio.Transport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, self._host, self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._transport is not None
        self._transport.close()

    def ask(
        self, body: bytes, answered: Callable[[bytes], None], failed: Callable[[Exception], None]
    ) -> None:
        """Send a request; one of the two is called once, with its answer or with what befell it."""
        assert self._transport is not None
        self._answered, self._failed = answered, failed
        self._transport.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)

    async def post(self, body: bytes) -> Any:
        """Send a request and return the JSON of its answer."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.ask(body, answer.set_result, answer.set_exception)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return json.loads(await answer)
        finally:
            self._answered = self._failed = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or self._answered is None:
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not head.startswith(b"HTTP/1.1 200") or not length.isdigit():
            self._fail(BenchFailed(f"the API answered {self._received[:500]!r}"))
        elif len(body) >= int(length):
            answered, self._answered, self._received = self._answered, None, b""
            answered(body)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(BenchFailed("the API closed a connection"))

    def _fail(self, error: Exception) -> None:
        if self._answered is not None and self._failed is not None:
            self._answered = None
            self._failed(error)


class Submitted:
    """When each request of a load was sent and answered, in seconds since the epoch."""

    def __init__(self, prefix: str, count: int) -> None:
        self.prefix = prefix
        self.sent = [0.0] * count
        self.answered = [0.0] * count

    @property
    def began(self) -> float:
        return min(self.sent)

    @property
    def per_second(self) -> float:
        return len(self.sent) / (max(self.answered) - self.began)

    @property
    def latencies_ms(self) -> list[float]:
        pairs = zip(self.sent, self.answered, strict=True)
        return [(answered - sent) * 1000 for sent, answered in pairs]

    def until_ms(self, times: dict[str, float]) -> list[float]:
        """Return how long after it was sent each order reached its time, by clientOrderId."""
        return [
            (times[f"{self.prefix}-{number}"] - sent) * 1000
            for number, sent in enumerate(self.sent)
        ]


def market_orders(prefix: str, count: int) -> list[dict[str, Any]]:
    """Return the inputs of market orders whose clientOrderIds are `prefix`-0, `prefix`-1 ..."""
    return [
        {
            "clientOrderId": f"{prefix}-{number}",
            "tokenIn": paid,
            "tokenOut": bought,
            "amount": amount,
            "slippageBps": 1_000,
        }
        for number, (paid, bought, amount) in enumerate(islice(cycle(_SWAPS), count))
    ]


def request(query: str, **variables: Any) -> bytes:
    """Return the body of a GraphQL request."""
    return json.dumps({"query": query, "variables": variables}).encode()


def accepted_order(answer: Any) -> str:
    """Return the id of the order that `executeMarketOrder` accepted. Raises BenchFailed."""
    payload = (answer.get("data") or {}).get("executeMarketOrder") or {}
    if answer.get("errors") or payload.get("userErrors") or not payload.get("order"):
        raise BenchFailed(f"an order was not accepted: {answer}")
    return str(payload["order"]["id"])


async def submit_orders(url: str, count: int, *, in_flight: int, prefix: str) -> Submitted:
    """Submit `count` orders, each by a mutation of its own."""
    bodies = [request(_EXECUTE, input=order) for order in market_orders(prefix, count)]
    return await send_all(url, bodies, accepted_order, in_flight=in_flight, prefix=prefix)


async def submit_at_pace(url: str, count: int, *, per_second: float, prefix: str) -> Submitted:
    """Submit orders one after the other at a steady pace, or slower where answers come late."""
    bodies = [request(_EXECUTE, input=order) for order in market_orders(prefix, count)]
    submitted = Submitted(prefix, count)
    began = time.monotonic()
    async with Connection(url) as connection:
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            submitted.sent[number] = time.time()
            accepted_order(await connection.post(body))
            submitted.answered[number] = time.time()
    return submitted


async def submit_order(connection: Connection, prefix: str, number: int) -> str:
    """Submit one market order and return its id. Raises BenchFailed where it is refused."""
    order = {**market_orders(prefix, 4)[number % 4], "clientOrderId": f"{prefix}-{number}"}
    return accepted_order(await connection.post(request(_EXECUTE, input=order)))


async def send_all(
    url: str,
    bodies: Sequence[bytes],
    check: Callable[[Any], object],
    *,
    in_flight: int,
    prefix: str,
) -> Submitted:
    """Send every body, `in_flight` at a time, each as soon as another is answered."""
    submitted = Submitted(prefix, len(bodies))
    numbers = iter(range(len(bodies)))
    left = len(bodies)
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send_next(connection: Connection) -> None:
        number = next(numbers, None)
        if number is not None:
            submitted.sent[number] = time.time()
            connection.ask(bodies[number], partial(take, connection, number), fail)

    def take(connection: Connection, number: int, answer: bytes) -> None:
        nonlocal left
        submitted.answered[number] = time.time()
        send_next(connection)
        try:
            check(json.loads(answer))
        except (BenchFailed, ValueError) as error:
            fail(error)
        left -= 1
        if left == 0 and not done.done():
            done.set_result(None)

    def fail(error: Exception) -> None:
        if not done.done():
            done.set_exception(error)

    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(Connection(url))
            for _ in range(min(in_flight, len(bodies)))
        ]
        for connection in connections:
            send_next(connection)
        async with asyncio.timeout(_ANSWER_SECONDS + len(bodies) / 20):
            await done
    return submitted
