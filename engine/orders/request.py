"""A valid order, before it is stored: what was asked, in atoms."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation
from engine.swaps.swap import Swap


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
        """A fingerprint of everything that was asked, to tell a replay from a conflict."""
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


def _plain(price: Decimal | None) -> str | None:
    return None if price is None else format(price.normalize(), "f")
