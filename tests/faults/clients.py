"""The public's side: orders placed, canceled and followed through the API with `gql`.

A client trusts nothing but its own record. It gives each order a clientOrderId of its own, asks
again with the same one for as long as it has no answer, and follows every order to its end, from
the last event it saw whenever its stream is cut.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from gql import GraphQLRequest
from gql.transport.exceptions import TransportError
from websockets.exceptions import WebSocketException

from engine.orders.status import TERMINAL
from tests.faults.record import Record
from tests.faults.wire import CANCEL, FOLLOW, LIMIT, MARKET, READ, Mutations, subscribing

_AGAIN_SECONDS = 0.2
_READ_SECONDS = 0.3
_ACCEPTED_SECONDS = 60
_NO_ANSWER = (TransportError, httpx.HTTPError, OSError, TimeoutError)
_CONNECTIONS = 6
_ENDED = {str(status) for status in TERMINAL}

# To and fro, worth the same at the start, so that the pools are not drained.
SWAPS = (
    ("SOL", "USDC", "0.1"),
    ("USDC", "SOL", "15"),
    ("JUP", "SOL", "3"),
    ("SOL", "JUP", "0.01"),
)

# Limits that the market meets at once, meets perhaps, and never does.
_LIMITS = ("140", "150.05", "200")


class Clients:
    """Places orders at a steady pace until stopped, and follows each."""

    def __init__(self, url: str, rng: random.Random, *, name: str = "c") -> None:
        self.records: list[Record] = []
        self.others: list[Record] = []
        self.unfollowed: list[Record] = []
        self.per_second = 10.0
        self._url = url
        self._rng = rng
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        self._steady: list[asyncio.Task[None]] = []
        self._transports: list[Mutations] = []

    async def __aenter__(self) -> "Clients":
        self._transports = [Mutations(self._url) for _ in range(_CONNECTIONS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._tasks, *self._steady]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for transport in self._transports:
            await transport.close()

    def start(self, *, per_second: float) -> None:
        self.per_second = per_second
        self._steady = [
            asyncio.create_task(self._keep_placing()),
            asyncio.create_task(self._keep_reading()),
        ]

    async def stop(self) -> None:
        """Place no more orders."""
        for task in self._steady:
            task.cancel()
        await asyncio.gather(*self._steady, return_exceptions=True)
        self._steady = []

    @property
    def following(self) -> int:
        """How many orders have no answer yet, or are followed and not at their end."""
        return len(self._tasks)

    @property
    def in_flight(self) -> list[Record]:
        return [record for record in self.records if not record.ended]

    async def all_ended(self, seconds: float) -> bool:
        """Wait until each order was followed to its end; say whether that was in time."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=seconds)
        return not self._tasks

    def place(self, *, prefix: str | None = None, kind: str | None = None) -> Record:
        """Place one order and follow it; `kind` is market, limit, canceled or doubled."""
        number = len(self.records)
        record = Record(f"{prefix or self._name}-{number}", time.time())
        self.records.append(record)
        chosen = (
            kind
            or self._rng.choices(("market", "limit", "canceled", "doubled"), (70, 12, 12, 6))[0]
        )
        paid, bought, amount = self._rng.choice(SWAPS)
        asked: dict[str, Any] = {
            "clientOrderId": record.client_order_id,
            "tokenIn": paid,
            "tokenOut": bought,
            "amount": amount,
        }
        document = MARKET
        if chosen == "limit":
            document = LIMIT
            ends = datetime.now(UTC) + timedelta(seconds=self._rng.uniform(3, 12))
            asked |= {
                "tokenIn": "SOL",
                "tokenOut": "USDC",
                "amount": "0.1",
                "limitPrice": self._rng.choice(_LIMITS),
                "expiresAt": ends.isoformat(),
            }
        else:
            asked["slippageBps"] = 1_000
        request = GraphQLRequest(document, variable_values={"input": asked})
        cancel_after = self._rng.uniform(0, 0.6) if chosen == "canceled" else None
        doubles = 5 if chosen == "doubled" else 1
        task = asyncio.create_task(self._live(record, request, doubles, cancel_after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return record

    async def follow_too(self, orders: Sequence[Record], each: int) -> list[Record]:
        """Follow orders by more streams, each on a connection of its own, as others would."""
        followers = []
        for order in orders:
            async with asyncio.timeout(_ACCEPTED_SECONDS):
                while order.id is None:
                    await asyncio.sleep(0.01)
            for _ in range(each):
                record = Record(order.client_order_id, time.time(), ids={order.id})
                followers.append(record)
                task = asyncio.create_task(self._follow(record))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0)
        self.others += followers
        return followers

    async def _keep_placing(self) -> None:
        while True:
            self.place()
            await asyncio.sleep(self._rng.expovariate(self.per_second))

    async def _keep_reading(self) -> None:
        """Ask for orders that are there: an error is an answer in an outage, "none" never is."""
        while True:
            await asyncio.sleep(_READ_SECONDS)
            known = [record for record in self.records if record.id is not None]
            if not known:
                continue
            record = self._rng.choice(known)
            ended_as = record.status if record.ended else None
            request = GraphQLRequest(READ, variable_values={"id": record.id})
            with contextlib.suppress(*_NO_ANSWER):
                found = (await self._rng.choice(self._transports).execute(request))["order"]
                if found is None or found["id"] != record.id:
                    record.wrong.append(f"read as {found}")
                elif ended_as is not None and found["status"] != ended_as:
                    record.wrong.append(f"ended as {ended_as} and was then read as {found}")

    async def _live(
        self, record: Record, request: GraphQLRequest, doubles: int, cancel_after: float | None
    ) -> None:
        await asyncio.gather(*(self._ask(record, request) for _ in range(doubles)))
        if record.id is None:  # refused
            record.ended = time.time()
            return
        if cancel_after is not None:
            await asyncio.sleep(cancel_after)
            await asyncio.gather(self._cancel(record), self._follow(record))
        else:
            await self._follow(record)

    async def _ask(self, record: Record, request: GraphQLRequest) -> None:
        """Ask until there is an answer: an order, or a refusal that is not for now only."""
        while True:
            placed = (await self._answer(request))["placed"]
            if placed["order"] is not None and not placed["userErrors"]:
                record.ids.add(placed["order"]["id"])
                record.answered = record.answered or time.time()
                return
            record.refusals += [error["code"] for error in placed["userErrors"]]
            if record.refusals[-1] not in ("OVERLOADED", "NO_ROUTE"):
                return
            # NO_ROUTE is what an API says that has just lost its pools: transient in an outage.
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _cancel(self, record: Record) -> None:
        said = await self._answer(GraphQLRequest(CANCEL, variable_values={"id": record.id}))
        payload = said["cancelOrder"]
        errors = payload["userErrors"]
        record.cancel_said = errors[0]["code"] if errors else payload["order"]["status"]

    async def _answer(self, request: GraphQLRequest) -> dict[str, Any]:
        while True:
            transport = self._rng.choice(self._transports)
            with contextlib.suppress(*_NO_ANSWER):
                return await transport.execute(request)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _follow(self, record: Record) -> None:
        while not record.ended:
            try:
                await self._stream(record)
            except (TransportError, WebSocketException, OSError, TimeoutError):
                record.cuts.append(time.time())
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _stream(self, record: Record) -> None:
        seen = record.events[-1][0] if record.events else 0
        request = GraphQLRequest(FOLLOW, variable_values={"id": record.id, "after": seen})
        async with subscribing(self._url) as session:
            async for said in session.subscribe(request):
                event = said["orderStatus"]
                if event["isLive"]:
                    continue
                if event["sequence"] != seen + 1:
                    record.wrong.append(f"event {event['sequence']} after {seen}")
                seen = event["sequence"]
                record.events.append((seen, event["status"], event["attempt"], event["occurredAt"]))
        if record.status in _ENDED:
            record.ended = time.time()
        else:
            record.wrong.append(f"the stream completed at {record.status}")
            record.cuts.append(time.time())
