"""What a limit order must satisfy before it is accepted."""

from datetime import datetime, timedelta

from engine.amounts import MAX_ATOMS, least_out_at, parse_price
from engine.errors import EngineError, ErrorCode
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation, require_simulation
from engine.swaps.swap import Swap

LONGEST_LIFE = timedelta(days=365)


def validate_limit_order(
    swap: Swap,
    *,
    limit_price: str,
    expires_at: datetime | None,
    now: datetime,
    simulation: Simulation = NO_FAULTS,
) -> OrderRequest:
    """Return the order; its floor is what the limit makes of its whole amount, rounded up.

    Raises EngineError INVALID_LIMIT_PRICE or INVALID_EXPIRY.
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
        expires_at=require_expiry(expires_at, now=now),
        simulation=require_simulation(simulation),
    )


def require_expiry(expires_at: datetime | None, *, now: datetime) -> datetime | None:
    """Return the instant, or raise EngineError INVALID_EXPIRY for the past or beyond a year."""
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        raise EngineError(
            ErrorCode.INVALID_EXPIRY,
            f"An order expires in the future, at most {LONGEST_LIFE.days} days from now.",
            field=("input", "expiresAt"),
        )
    return expires_at
