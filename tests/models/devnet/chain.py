"""Swaps for the devnet's ledger, and what every token adds up to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.witness import CIRCULATING
from engine.devnet.chain import Rules
from engine.devnet.genesis import genesis_pools
from engine.swaps.transaction import Hop, PoolShare, SignedTransaction, SwapTransaction, sign
from engine.tokens import SOL, USDC
from models.database import transaction
from models.devnet.ledger import PostgresLedger
from models.devnet.pools import list_pools
from models.devnet.slots import SlotRun, SlotRunner

PassSlots = Callable[[SlotRunner, int], Awaitable[SlotRun]]
SLOT_MS = 60_000  # none passes but those a test lets pass
MOVING = Rules("test")
STILL = Rules("test", market_moves=False)
GENESIS = {pool.id: pool for pool in genesis_pools()}


def sell(pool: str = "raydium:SOL-USDC", amount: int = 10**9, **given: Any) -> SignedTransaction:
    defaults: dict[str, Any] = {
        "venue": pool.partition(":")[0],
        "token_in": SOL.mint,
        "amount_in": amount,
        "hops": (Hop(USDC.mint, (PoolShare(pool, 1),)),),
        "min_amount_out": 1,
        "memo": "order",
        "nonce": 1,
        "last_valid_slot": 10**6,
    }
    return sign(SwapTransaction(**defaults | given))


async def circulating(database: AsyncEngine) -> list[tuple[str, int]]:
    async with database.connect() as connection:
        return [(row.mint, int(row.atoms)) for row in await connection.execute(CIRCULATING)]


async def send(database: AsyncEngine, ledger: PostgresLedger, *sent: SignedTransaction) -> None:
    """Send while the clock is held: everything lands in the next slot."""
    async with database.connect() as connection:
        await connection.execute(text("UPDATE devnet SET slot_began_at = now()"))
    await asyncio.gather(*(ledger.submit(each) for each in sent))


async def start_again(database: AsyncEngine) -> None:
    async with transaction(database) as connection:
        for statement in (
            "DELETE FROM pools",
            "DELETE FROM ledger_transactions",
            "UPDATE devnet SET slot = 0",
        ):
            await connection.execute(text(statement))
        await list_pools(connection, genesis_pools())
