"""Orders at a pace of their own, however fast the answers come: each asked for once, none followed.

The connections are the benchmark's, which cost next to nothing: what is short is to be the
engine's time, not the clients'.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg

from bench.load import Connection
from tests.faults.clients import SWAPS
from tests.faults.record import Record

_CONNECTIONS = 64

_PLACE = """
mutation Place($input: ExecuteMarketOrderInput!) {
  placed: executeMarketOrder(input: $input) { order { id } userErrors { code } }
}
"""
_RATE = """
SELECT count(*) / extract(epoch FROM max(e.occurred_at) - min(o.created_at))::float8
FROM orders o JOIN order_events e ON e.order_id = o.id AND e.status = 'SUBMITTED'
WHERE o.id = ANY($1::text[]::uuid[])
"""


class Flood:
    """Asks for orders through connections of its own."""

    def __init__(self, url: str) -> None:
        self.records: list[Record] = []
        self._url = url
        self._free: asyncio.Queue[Connection] = asyncio.Queue()

    @property
    def refused(self) -> list[Record]:
        """Those that have no order so far."""
        return [record for record in self.records if record.id is None]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(_CONNECTIONS):
                self._free.put_nowait(await stack.enter_async_context(Connection(self._url)))
            yield
            while not self._free.empty():
                self._free.get_nowait()

    async def offer(self, prefix: str, count: int, *, per_second: float) -> None:
        """Ask for so many orders, one after the other at this pace, and wait for the answers."""
        began = time.monotonic()
        async with self.connected(), asyncio.TaskGroup() as asking:
            for n in range(count):
                await asyncio.sleep(began + n / per_second - time.monotonic())
                record = Record(f"{prefix}-{n}", time.time())
                self.records.append(record)
                asking.create_task(self._ask(record))

    async def ask_again(self, records: Iterable[Record]) -> None:
        """Ask for these once more, with the same ids."""
        async with self.connected():
            for record in records:
                await self._ask(record)

    async def submitted_per_second(self, database: asyncpg.Connection) -> float:
        """Wait until all that were accepted are SUBMITTED; return how fast that went."""
        ids = [record.id for record in self.records if record.id is not None]
        async with asyncio.timeout(60):
            while await database.fetchval(
                "SELECT count(*) FROM orders WHERE id = ANY($1::text[]::uuid[]) "
                "AND status IN ('PENDING', 'ROUTING', 'BUILDING')",
                ids,
            ):
                await asyncio.sleep(0.1)
        return float(await database.fetchval(_RATE, ids))

    async def _ask(self, record: Record) -> None:
        number = int(record.client_order_id.rpartition("-")[2])
        paid, bought, amount = SWAPS[number % len(SWAPS)]
        asked = {
            "clientOrderId": record.client_order_id,
            "tokenIn": paid,
            "tokenOut": bought,
            "amount": amount,
            "slippageBps": 1_000,
        }
        body = json.dumps({"query": _PLACE, "variables": {"input": asked}}).encode()
        connection = await self._free.get()
        try:
            placed = (await connection.post(body))["data"]["placed"]
        finally:
            self._free.put_nowait(connection)
        if placed["order"] is not None:
            record.ids.add(placed["order"]["id"])
            record.answered = time.time()
        else:
            record.refusals += [error["code"] for error in placed["userErrors"]]
