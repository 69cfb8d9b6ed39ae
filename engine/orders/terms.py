"""What an order's inputs come to, for every type of order: its swap, its slippage, its venues."""

from collections.abc import Sequence

from engine.amounts import BPS, parse_amount, require_slippage_bps
from engine.errors import EngineError, ErrorCode
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation, require_simulation
from engine.swaps.swap import Swap
from engine.tokens import Token, TokenList

DEFAULT_SLIPPAGE_BPS = 50


def read_swap(
    tokens: TokenList,
    *,
    token_in: str,
    token_out: str,
    amount: str,
    venues: Sequence[str] | None = None,
    max_price_impact_bps: int | None = None,
    allow_split: bool | None = True,
) -> Swap:
    """Return the swap these inputs ask for.

    Raises EngineError with the input's path: UNKNOWN_TOKEN, SAME_TOKEN, INVALID_AMOUNT,
    AMOUNT_PRECISION_EXCEEDED, AMOUNT_OUT_OF_RANGE, INVALID_VENUES, PRICE_IMPACT_TOO_HIGH for a
    limit outside 0 … 10000 bps.
    """
    paid = tokens.find(token_in, field=("input", "tokenIn"))
    bought = tokens.find(token_out, field=("input", "tokenOut"))
    require_two(paid, bought)
    if max_price_impact_bps is not None and not 0 <= max_price_impact_bps <= BPS:
        raise EngineError(
            ErrorCode.PRICE_IMPACT_TOO_HIGH,
            f"A price impact limit is 0 to {BPS} basis points.",
            field=("input", "maxPriceImpactBps"),
        )
    return Swap(
        token_in=paid,
        token_out=bought,
        amount_in=parse_amount(amount, paid, field=("input", "amount")),
        venues=read_venues(venues),
        max_price_impact_bps=max_price_impact_bps,
        allow_split=allow_split is not False,
    )


def market_order(
    swap: Swap,
    *,
    slippage_bps: int | None,
    min_amount_out: str | None = None,
    simulation: Simulation = NO_FAULTS,
) -> OrderRequest:
    """Return the order; EngineError INVALID_SLIPPAGE or an amount's code where it is not valid."""
    return OrderRequest(
        type=OrderType.MARKET,
        swap=swap,
        slippage_bps=read_slippage(slippage_bps, DEFAULT_SLIPPAGE_BPS),
        min_amount_out=None
        if min_amount_out is None
        else parse_amount(min_amount_out, swap.token_out, field=("input", "minAmountOut")),
        simulation=require_simulation(simulation),
    )


def require_two(paid: Token, bought: Token) -> None:
    """Raise EngineError SAME_TOKEN where a token would be swapped for itself."""
    if paid.mint == bought.mint:
        raise EngineError(
            ErrorCode.SAME_TOKEN,
            f"{paid.symbol} cannot be swapped for itself.",
            field=("input", "tokenOut"),
        )


def read_slippage(slippage_bps: int | None, default_bps: int) -> int:
    """Return the slippage asked for in bps; EngineError INVALID_SLIPPAGE outside 0 … 5000."""
    wanted = default_bps if slippage_bps is None else slippage_bps
    return require_slippage_bps(wanted, field=("input", "slippageBps"))


def read_venues(venues: Sequence[str] | None) -> tuple[str, ...]:
    """Return the ids of the venues allowed, none for all; EngineError INVALID_VENUES for []."""
    if venues is not None and not venues:
        raise EngineError(
            ErrorCode.INVALID_VENUES,
            "An empty list allows no venue: leave it out to allow all of them.",
            field=("input", "venues"),
        )
    return tuple(sorted(set(venues or ())))
