"""Whether there is room for one more order."""

import asyncio

from engine.errors import EngineError, ErrorCode
from models.orders.store import OrderStore
from wiring.logs import get_logger

_COUNT_SECONDS = 1.0

log = get_logger(__name__)


class Capacity:
    """Keeps the count that decides whether a new order is refused as one too many."""

    def __init__(self, orders: OrderStore, *, most: int) -> None:
        self._orders = orders
        self._most = most
        self.in_progress = 0

    def require_room(self) -> None:
        """Raise EngineError OVERLOADED where as many orders are in progress as may be."""
        if self.in_progress >= self._most:
            raise EngineError(
                ErrorCode.OVERLOADED,
                "Too many orders are in progress.",
                context={"most": self._most},
            )

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            try:
                self.in_progress = await self._orders.in_progress()
            except Exception as error:
                log.warning("orders.not_counted", error=str(error))
            await asyncio.sleep(_COUNT_SECONDS)
