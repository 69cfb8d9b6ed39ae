"""What a sniper order must satisfy before it is accepted, and what it waits for."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from math import ceil

from engine.amounts import parse_amount, parse_price, require_slippage_bps
from engine.errors import EngineError, ErrorCode
from engine.orders.limit import require_expiry
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation, require_simulation
from engine.swaps.swap import Swap
from engine.tokens import Token, find_token, is_mint, token_or_stranger
from engine.venues.routing import select_venues
from engine.venues.venue import Venue

DEFAULT_SLIPPAGE_BPS = 500


def validate_sniper_order(
    *,
    token_in: str,
    token_out: str,
    amount: str,
    max_price: str | None,
    min_liquidity: str | None,
    slippage_bps: int | None,
    expires_at: datetime | None,
    now: datetime,
    venue_ids: Sequence[str] | None,
    venues: Sequence[Venue],
    simulation: Simulation = NO_FAULTS,
) -> OrderRequest:
    """Return the order; tokenOut may be the mint of a token that nobody knows yet.

    Raises EngineError with the input's path: UNKNOWN_TOKEN for what is neither a token nor the
    address of a mint, SAME_TOKEN, the codes of amounts, INVALID_LIMIT_PRICE for maxPrice,
    INVALID_SLIPPAGE, INVALID_EXPIRY, UNKNOWN_VENUE.
    """
    paid = find_token(token_in, field=("input", "tokenIn"))
    bought = (
        token_or_stranger(token_out)
        if is_mint(token_out)
        else find_token(token_out, field=("input", "tokenOut"))
    )
    if paid.mint == bought.mint:
        raise EngineError(
            ErrorCode.SAME_TOKEN,
            f"{paid.symbol} cannot be swapped for itself.",
            field=("input", "tokenOut"),
        )
    select_venues(venues, venue_ids or (), field=("input", "venues"))
    wanted_bps = DEFAULT_SLIPPAGE_BPS if slippage_bps is None else slippage_bps
    return OrderRequest(
        type=OrderType.SNIPER,
        swap=Swap(
            token_in=paid,
            token_out=bought,
            amount_in=parse_amount(amount, paid, field=("input", "amount")),
            venues=tuple(sorted(set(venue_ids or ()))),
        ),
        slippage_bps=require_slippage_bps(wanted_bps, field=("input", "slippageBps")),
        max_price=None
        if max_price is None
        else parse_price(max_price, field=("input", "maxPrice")),
        min_liquidity=None
        if min_liquidity is None
        else parse_amount(min_liquidity, paid, field=("input", "minLiquidity")),
        expires_at=require_expiry(expires_at, now=now),
        simulation=require_simulation(simulation),
    )


def least_out_below(max_price: Fraction, amount_in: int, paid: Token, bought: Token) -> int:
    """Return the least atoms bought at no more than `max_price` of tokenIn per tokenOut."""
    return ceil(amount_in * Fraction(10) ** (bought.decimals - paid.decimals) / max_price)
