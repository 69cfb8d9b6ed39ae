"""The GraphQL client: mutations over HTTP/1.1 connections that are kept alive.

The client shares the machine's few cores with what it measures, so it is asyncio's own transport
and the least HTTP that a keep-alive client needs: about 0.05 ms of CPU a request, where httpx
takes 1 ms. It answers for nothing but status 200, a Content-Length and a JSON body.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from bench.stack import BenchFailed

_EXECUTE = """
mutation Execute($input: ExecuteMarketOrderInput!) {
  executeMarketOrder(input: $input) {
    order { id status }
    userErrors { code message }
  }
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
        self._answer: asyncio.Future[bytes] | None = None
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

    async def post(self, body: bytes) -> Any:
        """Send a request and return the JSON of its answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        async with asyncio.timeout(_ANSWER_SECONDS):
            return json.loads(await self._answer)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or self._answer is None or self._answer.done():
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not head.startswith(b"HTTP/1.1 200") or not length.isdigit():
            self._answer.set_exception(BenchFailed(f"the API answered {self._received[:500]!r}"))
        elif len(body) >= int(length):
            self._received = b""
            self._answer.set_result(body)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BenchFailed("the API closed a connection"))


@dataclass(slots=True)
class Submitted:
    """When each order was sent and taken, by clientOrderId; seconds since the epoch."""

    sent: dict[str, float] = field(default_factory=dict)
    taken: dict[str, float] = field(default_factory=dict)

    @property
    def began(self) -> float:
        return min(self.sent.values())

    @property
    def per_second(self) -> float:
        return len(self.taken) / (max(self.taken.values()) - self.began)

    @property
    def latencies_ms(self) -> list[float]:
        return [(self.taken[id] - sent) * 1000 for id, sent in self.sent.items()]


async def submit_order(connection: Connection, client_order_id: str, number: int) -> str:
    """Submit a market order and return its id. Raises BenchFailed where it is refused."""
    paid, bought, amount = _SWAPS[number % len(_SWAPS)]
    asked = {
        "clientOrderId": client_order_id,
        "tokenIn": paid,
        "tokenOut": bought,
        "amount": amount,
        "slippageBps": 1_000,
    }
    body = json.dumps({"query": _EXECUTE, "variables": {"input": asked}}).encode()
    answer = await connection.post(body)
    payload = (answer.get("data") or {}).get("executeMarketOrder") or {}
    if answer.get("errors") or payload.get("userErrors") or not payload.get("order"):
        raise BenchFailed(f"an order was not accepted: {answer}")
    return str(payload["order"]["id"])


async def submit_orders(url: str, count: int, *, in_flight: int, prefix: str) -> Submitted:
    """Submit `count` orders over `in_flight` connections, each as fast as it is answered."""
    submitted, numbers = Submitted(), iter(range(count))

    async def one_by_one() -> None:
        async with Connection(url) as connection:
            for number in numbers:
                id = f"{prefix}-{number}"
                submitted.sent[id] = time.time()
                await submit_order(connection, id, number)
                submitted.taken[id] = time.time()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(in_flight, count)):
            tasks.create_task(one_by_one())
    return submitted
