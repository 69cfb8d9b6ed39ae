"""A valid order, before it is stored: what was asked, in atoms."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.amounts import format_decimal
from engine.errors import EngineError, ErrorCode
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation
from engine.swaps.swap import Swap

_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """The swap, the floors under its output in atoms, and what it waits for.

    `limit_price` is tokenOut per tokenIn, `max_price` tokenIn per tokenOut, both in whole units;
    `min_liquidity` is in atoms of tokenIn. Without `expires_at` a waiting order has the usual life.
    """

    type: OrderType
    swap: Swap
    slippage_bps: int
    min_amount_out: int | None = None
    limit_price: Decimal | None = None
    max_price: Decimal | None = None
    min_liquidity: int | None = None
    expires_at: datetime | None = None
    simulation: Simulation = NO_FAULTS

    @property
    def digest(self) -> str:
        """A fingerprint of everything that was asked, to tell a replay from a conflict.

        It is stored with the order: what is asked one day must have the same one years later.
        """
        asked = [
            self.type,
            self.swap.token_in.mint,
            self.swap.token_out.mint,
            self.swap.amount_in,
            self.slippage_bps,
            self.min_amount_out,
            _plain(self.limit_price),
            _plain(self.max_price),
            self.min_liquidity,
            self.expires_at and self.expires_at.isoformat(),
            self.swap.max_price_impact_bps,
            self.swap.venues,
            self.swap.allow_split,
            self.simulation.model_dump(),
        ]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def require_client_order_id(client_order_id: str) -> str:
    """Return the id, or raise EngineError INVALID_CLIENT_ORDER_ID."""
    if not _CLIENT_ORDER_ID.fullmatch(client_order_id):
        raise EngineError(
            ErrorCode.INVALID_CLIENT_ORDER_ID,
            "A clientOrderId is 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
            field=("input", "clientOrderId"),
        )
    return client_order_id


def _plain(price: Decimal | None) -> str | None:
    # As text, every digit of it: Decimal's own normalize() rounds to 28.
    return None if price is None else format_decimal(price)
