"""Orders that wait: for a price, for a pool, or past their time."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.status import NOT_SENT, OrderStatus
from models.orders.statements import returning_orders
from models.orders.store import FIRST_ID, LONG_AGO, row_order
from models.orders.tables import Order, one_of

_EXPIRED = returning_orders(f"""
SELECT 0 AS n, orders.* FROM orders
WHERE ended_as IS NULL AND {one_of("status", NOT_SENT)} AND expires_at <= now()
ORDER BY expires_at LIMIT :most
""")

# A loose scan of the index: one look per pair, however many orders rest on it.
_PAIRS = text("""
WITH RECURSIVE pair AS (
    (SELECT token_in, token_out FROM orders WHERE waits = :status
     ORDER BY token_in, token_out LIMIT 1)
    UNION ALL
    SELECT following.* FROM pair CROSS JOIN LATERAL (
        SELECT token_in, token_out FROM orders
        WHERE waits = :status AND (token_in, token_out) > (pair.token_in, pair.token_out)
        ORDER BY token_in, token_out LIMIT 1) following
)
SELECT token_in, token_out FROM pair
""")

# Further through the market first, of equal ones the older: price-time priority.
_NEAR_PRICE = returning_orders("""
SELECT 0 AS n, orders.* FROM orders
WHERE waits = 'WAITING_PRICE' AND token_in = :token_in AND token_out = :token_out
    AND limit_price <= :best AND (expires_at IS NULL OR expires_at > now())
    AND (limit_price, created_at, id) > (:limit_price, :created_at, :id)
ORDER BY limit_price, created_at, id LIMIT :most
""")

_FOR_POOL = returning_orders("""
SELECT 0 AS n, orders.* FROM orders
WHERE waits = 'WAITING_POOL' AND token_in = :token_in AND token_out = :token_out
    AND (expires_at IS NULL OR expires_at > now()) AND (created_at, id) > (:created_at, :id)
ORDER BY created_at, id LIMIT :most
""")


class WaitingOrders:
    """Finds them at a cost that grows with pairs and with orders near the price, not with all."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def expired(self, *, most: int) -> list[Order]:
        """Return orders whose time ran out before anything was sent, the longest past it first."""
        return [row_order(row) for row in await self._rows(_EXPIRED, most=most)]

    async def pairs(self, status: OrderStatus) -> list[tuple[str, str]]:
        """Return the pairs (mint in, mint out) that orders rest on; costs by pairs, not orders."""
        rows = await self._rows(_PAIRS, status=str(status))
        return [(row["token_in"], row["token_out"]) for row in rows]

    async def near_price(
        self, token_in: str, token_out: str, *, best: Decimal, after: Order | None, most: int
    ) -> list[Order]:
        """Return a page of a pair's limit orders that `best` would meet, lowest limit first."""
        place = {
            "limit_price": after.limit_price if after else Decimal(0),
            "created_at": after.created_at if after else LONG_AGO,
            "id": after.id if after else FIRST_ID,
        }
        pair = {"token_in": token_in, "token_out": token_out}
        rows = await self._rows(_NEAR_PRICE, best=best, most=most, **pair, **place)
        return [row_order(row) for row in rows]

    async def for_pool(
        self, token_in: str, token_out: str, *, after: Order | None, most: int
    ) -> list[Order]:
        """Return a page of a pair's sniper orders, the oldest first."""
        place = {
            "created_at": after.created_at if after else LONG_AGO,
            "id": after.id if after else FIRST_ID,
        }
        pair = {"token_in": token_in, "token_out": token_out}
        rows = await self._rows(_FOR_POOL, most=most, **pair, **place)
        return [row_order(row) for row in rows]

    async def _rows(self, statement: Any, **parameters: Any) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, parameters)).mappings().all()
