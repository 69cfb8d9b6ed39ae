"""The API, the actors and the clock, each moved by hand: orders as the public sees them."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from tasks.attempts import TryAgain
from tasks.broker import broker
from tasks.confirm_orders import confirm_orders
from tasks.route_order import route_order
from tasks.watch_market import watch_market
from tests.api.asking import Asking, asking
from tests.tasks.conftest import Wired, middleware, wired
from tests.tasks.steps import call
from wiring.resources import open_resources
from wiring.settings import Settings

PLACE = """
mutation Place($input: ExecuteMarketOrderInput!) {
  executeMarketOrder(input: $input) { order { id } userErrors { code message } }
}
"""
PLACE_LIMIT = """
mutation Place($input: PlaceLimitOrderInput!) {
  placeLimitOrder(input: $input) { order { id } userErrors { code message } }
}
"""
PLACE_SNIPER = """
mutation Place($input: PlaceSniperOrderInput!) {
  placeSniperOrder(input: $input) { order { id } userErrors { code message } }
}
"""
CANCEL = """
mutation Cancel($id: ID!) {
  cancelOrder(orderId: $id) { order { id status } userErrors { code } }
}
"""
SHOW = """
query Show($id: ID!) {
  order(id: $id) {
    status type amountIn minAmountOut limitPrice expiresAt amountOut executedPrice fee slot
    attempts venue { id } failure { code retryClass }
    route { venue { id } pool amountIn amountOut shareBps }
    events { sequence status attempt failure { code } route { pool } }
  }
}
"""


class Devnet:
    """The API, the actors and the clock, each moved by hand."""

    def __init__(self, ask: Asking, resources: Wired) -> None:
        self.ask = ask
        self.resources = resources

    async def place(self, amount: str, **given: Any) -> str:
        asked = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": amount} | given
        return await self.accept(PLACE, asked)

    async def limit(self, amount: str, limit_price: str, **given: Any) -> str:
        asked = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": amount, "limitPrice": limit_price}
        return await self.accept(PLACE_LIMIT, asked | given)

    async def snipe(self, mint: str, amount: str, **given: Any) -> str:
        return await self.accept(
            PLACE_SNIPER, {"tokenIn": "SOL", "tokenOut": mint, "amount": amount} | given
        )

    async def accept(self, mutation: str, asked: dict[str, Any]) -> str:
        (payload,) = (await self.ask.data(mutation, input=asked)).values()
        assert payload["userErrors"] == []
        return payload["order"]["id"]

    async def cancel(self, id: str) -> dict[str, Any]:
        return (await self.ask.data(CANCEL, id=id))["cancelOrder"]

    async def route(self, id: str) -> None:
        """Run the actor as Retries would, without the waiting."""
        for _ in range(3):
            with contextlib.suppress(TryAgain):
                return await call(route_order, id)
        return None

    async def send(self, amount: str, **given: Any) -> str:
        id = await self.place(amount, **given)
        await self.route(id)
        return id

    async def watch(self) -> list[str]:
        """Look at the market once and return the orders it wakes."""
        before = len(self.resources.sender.sent)
        await call(watch_market)
        sent = self.resources.sender.sent[before:]
        return [str(args[0]) for actor, args, _ in sent if actor == "order.route"]

    async def slots(self, count: int) -> None:
        async with self.resources.database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = slot_began_at - :ms * interval '1 ms'"),
                {"ms": count * self.resources.settings.slot_ms},
            )
        run = await self.resources.slots.run()
        if run is not None:
            await self.resources.updates.publish_pools(run.slot, run.pools)
        await call(confirm_orders)

    async def end(self, id: str) -> dict[str, Any]:
        """Let slots pass and attempts be made until the order has ended."""
        for _ in range(20):
            shown = await self.show(id)
            if shown["status"] in ("CONFIRMED", "FAILED", "CANCELED", "EXPIRED"):
                return shown
            await self.route(id)
            await self.slots(10)
        raise AssertionError(shown)

    async def show(self, id: str) -> dict[str, Any]:
        return (await self.ask.data(SHOW, id=id))["order"]


@asynccontextmanager
async def devnet_on(settings: Settings, **changes: Any) -> AsyncIterator[Devnet]:
    """A devnet on the test's database whose slots pass when the test says so."""
    changed = settings.model_copy(update={"landing_slots_max": 1} | changes)
    async with asking(changed) as ask, open_resources(changed, broker) as opened:
        resources = wired(opened)
        middleware().use(resources)
        yield Devnet(ask, resources)


def life(shown: dict[str, Any]) -> list[tuple[str, int, str | None]]:
    return [
        (e["status"], e["attempt"], e["failure"] and e["failure"]["code"]) for e in shown["events"]
    ]


async def ledger_rows(net: Devnet) -> int:
    async with net.resources.database.connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM ledger_transactions"))
