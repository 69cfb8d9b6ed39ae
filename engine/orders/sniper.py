"""Sniper orders: what makes one valid, and what it waits for."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from math import ceil

from engine.amounts import parse_amount, parse_price
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.orders.terms import read_slippage, read_venues, require_two
from engine.swaps.simulation import NO_FAULTS, Simulation, require_simulation
from engine.swaps.swap import Swap
from engine.tokens import Token, TokenList, is_mint

DEFAULT_SLIPPAGE_BPS = 500


def sniper_order(
    tokens: TokenList,
    *,
    token_in: str,
    token_out: str,
    amount: str,
    max_price: str | None,
    min_liquidity: str | None,
    slippage_bps: int | None,
    expires_at: datetime | None,
    venues: Sequence[str] | None,
    simulation: Simulation = NO_FAULTS,
) -> OrderRequest:
    """Return the order; tokenOut may be the mint of a token that nobody knows yet.

    Raises EngineError with the input's path: UNKNOWN_TOKEN for what is neither a token nor the
    address of a mint, SAME_TOKEN, the codes of amounts, INVALID_LIMIT_PRICE for maxPrice,
    INVALID_SLIPPAGE, INVALID_VENUES.
    """
    paid = tokens.find(token_in, field=("input", "tokenIn"))
    bought = (
        tokens.of_mint(token_out)
        if is_mint(token_out)
        else tokens.find(token_out, field=("input", "tokenOut"))
    )
    require_two(paid, bought)
    return OrderRequest(
        type=OrderType.SNIPER,
        swap=Swap(
            token_in=paid,
            token_out=bought,
            amount_in=parse_amount(amount, paid, field=("input", "amount")),
            venues=read_venues(venues),
        ),
        slippage_bps=read_slippage(slippage_bps, DEFAULT_SLIPPAGE_BPS),
        max_price=None
        if max_price is None
        else parse_price(max_price, field=("input", "maxPrice")),
        min_liquidity=None
        if min_liquidity is None
        else parse_amount(min_liquidity, paid, field=("input", "minLiquidity")),
        expires_at=expires_at,
        simulation=require_simulation(simulation),
    )


def least_out_below(max_price: Fraction, amount_in: int, paid: Token, bought: Token) -> int:
    """Return the least atoms bought at no more than `max_price` of tokenIn per tokenOut."""
    return ceil(amount_in * Fraction(10) ** (bought.decimals - paid.decimals) / max_price)
