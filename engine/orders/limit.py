"""Limit orders: what makes one valid."""

from datetime import datetime

from engine.amounts import MAX_ATOMS, least_out_at, parse_price
from engine.errors import EngineError, ErrorCode
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation, require_simulation
from engine.swaps.swap import Swap


def limit_order(
    swap: Swap,
    *,
    limit_price: str,
    expires_at: datetime | None,
    simulation: Simulation = NO_FAULTS,
) -> OrderRequest:
    """Return the order; its floor is what the limit makes of its whole amount, rounded up.

    Raises EngineError INVALID_LIMIT_PRICE.
    """
    field = ("input", "limitPrice")
    price = parse_price(limit_price, field=field)
    floor = least_out_at(price, swap.amount_in, swap.token_in, swap.token_out)
    if floor > MAX_ATOMS:
        raise EngineError(
            ErrorCode.INVALID_LIMIT_PRICE,
            f"At this price the amount is worth more {swap.token_out.symbol} than there can be.",
            field=field,
        )
    return OrderRequest(
        type=OrderType.LIMIT,
        swap=swap,
        slippage_bps=0,
        min_amount_out=floor,
        limit_price=price,
        expires_at=expires_at,
        simulation=require_simulation(simulation),
    )
