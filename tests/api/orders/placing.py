"""Market orders placed over GraphQL, and what they leave in the stores."""

import asyncio

from sqlalchemy import text

from tasks.broker import ORDERS, broker

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


async def place(ask, **given):
    return (await ask.data(PLACE, input=ORDER | given))["executeMarketOrder"]


async def stored(ask) -> int:
    async with ask.services.orders._engine.connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM orders"))


async def enqueued(ask) -> int:
    async with asyncio.timeout(10):
        while ask.services.sender.unsent:
            await asyncio.sleep(0.005)
    return broker.do_qsize(ORDERS)
