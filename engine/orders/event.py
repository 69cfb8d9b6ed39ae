"""One step in an order's life, as stored, published and streamed."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from engine.errors import Failure
from engine.orders.status import TERMINAL, OrderStatus
from engine.swaps.swap import RouteLeg, VenueQuote


class OrderEvent(BaseModel):
    """Event number `sequence` (1, 2, … without gap) of an order; amounts in atoms.

    Fields that a step does not have are None or empty.
    """

    model_config = ConfigDict(frozen=True)

    order_id: UUID
    sequence: int
    status: OrderStatus
    previous_status: OrderStatus | None = None
    attempt: int
    occurred_at: datetime
    quotes: tuple[VenueQuote, ...] = ()
    route: tuple[RouteLeg, ...] = ()
    venue: str | None = None
    quoted_price: Decimal | None = None
    best_price: Decimal | None = None
    tx_signature: str | None = None
    executed_price: Decimal | None = None
    amount_out: int | None = None
    failure: Failure | None = None

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL
