"""The tables of a running stack, read through none of our code."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from tests.e2e.stack import DEADLINE_SECONDS, Stack


def wrong_in_ledger(stack: Stack) -> list[Any]:
    """G4 and G5 by SQL, through none of our code: gaps, and swaps other than one per order."""

    async def look(connection: asyncpg.Connection) -> list[Any]:
        return list(await connection.fetch(WRONG))

    return with_database(stack, look)


def fetch_some(stack: Stack, query: str) -> list[Any]:
    """Ask until there are rows; return them."""

    async def look(connection: asyncpg.Connection) -> list[Any]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (rows := await connection.fetch(query)):
                await asyncio.sleep(0.005)
        return list(rows)

    return with_database(stack, look)


def with_database(
    stack: Stack, look: Callable[[asyncpg.Connection], Awaitable[list[Any]]]
) -> list[Any]:
    async def connected() -> list[Any]:
        connection = await asyncpg.connect(
            host=str(stack.data_dir / "postgres"), user="postgres", database="order_engine"
        )
        try:
            return await look(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


WRONG = """
SELECT o.id FROM orders o
LEFT JOIN (SELECT order_id, count(*) n, max(sequence) last FROM order_events GROUP BY 1) e
    ON e.order_id = o.id
LEFT JOIN (SELECT memo, count(*) n, sum(amount_out) amount FROM ledger_transactions
    WHERE outcome = 'LANDED' GROUP BY 1) l ON l.memo = o.id::text
WHERE (o.sequence, o.sequence) IS DISTINCT FROM (e.n::int, e.last)
    OR coalesce(l.n, 0) <> CASE WHEN o.status = 'CONFIRMED' THEN 1 ELSE 0 END
    OR l.amount IS DISTINCT FROM o.amount_out
"""
