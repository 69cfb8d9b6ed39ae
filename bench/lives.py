"""Real orders, one of each kind, whose rows bench.laying repeats to make a long history."""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from bench.load import Connection, request
from bench.stack import NO_DELAY, BenchFailed, Engine, Servers
from models.database import open_database

_NOBODYS_MINT = "2jcXp3kBUMwvBdqD7yegxworqiwiJWLw21m2Th1jP3v8"
_SETTINGS = {**NO_DELAY, "retry_min_backoff_ms": 50, "waiting_order_life_ms": 3_000}
_END_SECONDS = 60
_OPEN = text("SELECT client_order_id, status FROM orders WHERE completed_at IS NULL")


@dataclass(frozen=True, slots=True)
class Life:
    """A kind of order, and how many of each thousand of the history are of it."""

    per_thousand: float
    mutation: str
    asked: dict[str, Any]
    only_long_ago: bool = False
    """Only in the oldest hundredth: what a filter on it selects is far from the newest order."""
    canceled: bool = False
    rests: bool = False


def _market(per_thousand: float, paid: str, bought: str, amount: str, **more: Any) -> Life:
    old = bool(more.pop("only_long_ago", False))
    asked = {"tokenIn": paid, "tokenOut": bought, "amount": amount, "slippageBps": 1_000, **more}
    return Life(per_thousand, "executeMarketOrder", asked, only_long_ago=old)


def _limit(per_thousand: float, price: str, **more: Any) -> Life:
    asked = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.1", "limitPrice": price}
    return Life(per_thousand, "placeLimitOrder", asked, **more)


def _sniper(per_thousand: float, expires_at: datetime | None = None) -> Life:
    asked = {"tokenIn": "USDC", "tokenOut": _NOBODYS_MINT, "amount": "15"}
    if expires_at is None:
        return Life(per_thousand, "placeSniperOrder", asked)
    asked = {**asked, "expiresAt": expires_at.isoformat()}
    return Life(per_thousand, "placeSniperOrder", asked, rests=True)


# What two filters have in common is rare, old or nothing at all: the hard pages of a history.
LIVES = (
    _market(560, "SOL", "USDC", "0.1", venues=["meteora"]),
    _market(250, "USDC", "SOL", "15"),
    _market(70, "USDC", "SOL", "15", venues=["raydium"]),
    _market(50, "JUP", "SOL", "3"),
    _limit(20, "1"),
    _limit(20, "100000", canceled=True),
    _limit(10, "100000"),
    _market(10, "SOL", "USDC", "0.1", simulate={"slippageFailures": 3}),
    _sniper(8),
    _market(1, "RAY", "USDC", "5"),
    _market(0.5, "SOL", "JUP", "0.01", simulate={"quoteFailures": 3}),
    _sniper(0.5, datetime.now(UTC) + timedelta(days=300)),
    _market(200, "SOL", "USDC", "0.1", venues=["raydium"], only_long_ago=True),
    _market(100, "SOL", "JUP", "0.01", only_long_ago=True),
)


async def live(servers: Servers, database: str) -> None:
    """Execute one order of each life, `life-0`, `life-1` ..., in a new database of this name."""
    await servers.create_database(database)
    async with Engine.running(servers, database, _SETTINGS) as engine:
        async with Connection(engine.url) as connection:
            for number, life in enumerate(LIVES):
                await _place(connection, number, life)
        await _wait_for_the_ends(engine)


async def _place(connection: Connection, number: int, life: Life) -> None:
    kind = life.mutation[0].upper() + life.mutation[1:]
    query = (
        f"mutation($input: {kind}Input!) "
        f"{{ placed: {life.mutation}(input: $input) "
        "{ order { id } userErrors { message } } }"
    )
    asked = {**life.asked, "clientOrderId": f"life-{number}"}
    placed = (await connection.post(request(query, input=asked))).get("data", {}).get("placed")
    if not placed or not placed["order"]:
        raise BenchFailed(f"{json.dumps(asked)} was not accepted: {placed}")
    if life.canceled:
        cancel = "mutation($id: ID!) { cancelOrder(orderId: $id) { userErrors { message } } }"
        await connection.post(request(cancel, id=placed["order"]["id"]))


async def _wait_for_the_ends(engine: Engine) -> None:
    resting = {f"life-{number}" for number, life in enumerate(LIVES) if life.rests}
    deadline = time.monotonic() + _END_SECONDS
    async with open_database(engine.database_url, pool_size=1) as database:
        while True:
            async with database.connect() as connection:
                left = {row.client_order_id: row.status for row in await connection.execute(_OPEN)}
            if left.keys() == resting:
                return
            if time.monotonic() > deadline:
                raise BenchFailed(f"these orders did not end: {left}")
            await asyncio.sleep(0.1)
