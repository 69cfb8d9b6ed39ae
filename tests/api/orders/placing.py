"""Market orders placed over GraphQL, and what they leave in the stores."""

import asyncio
from typing import Any

from sqlalchemy import text

from tasks.broker import ORDERS, broker
from tests.api.asking import Asking

PLACE = """
mutation Place($input: ExecuteMarketOrderInput!) {
  executeMarketOrder(input: $input) {
    replayed
    order {
      id clientOrderId type status isTerminal amountIn slippageBps minAmountOut attempts sequence
      tokenIn { symbol mint decimals } tokenOut { symbol } events { sequence status attempt }
    }
    userErrors { code message field retryClass retryAfterMs }
  }
}
"""
ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1.5"}


async def place(ask: Asking, **given: Any) -> dict[str, Any]:
    return (await ask.data(PLACE, input=ORDER | given))["executeMarketOrder"]


async def stored(ask: Asking) -> int:
    async with ask.services.orders._engine.connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM orders"))


async def enqueued(ask: Asking) -> int:
    async with asyncio.timeout(10):
        while ask.services.sender.unsent:
            await asyncio.sleep(0.005)
    return broker.do_qsize(ORDERS)
