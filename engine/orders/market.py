"""What a market order must satisfy before it is accepted."""

import asyncio
import re
from collections.abc import Sequence

from engine.amounts import BPS, parse_amount, require_slippage_bps
from engine.errors import EngineError, ErrorCode
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation, require_simulation
from engine.swaps.swap import Swap
from engine.tokens import find_token
from engine.venues.routing import select_venues
from engine.venues.venue import Venue

DEFAULT_SLIPPAGE_BPS = 50

_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def validate_swap(
    *,
    token_in: str,
    token_out: str,
    amount: str,
    venue_ids: Sequence[str] | None,
    max_price_impact_bps: int | None,
    allow_split: bool | None,
    venues: Sequence[Venue],
) -> Swap:
    """Return the swap these inputs ask for.

    Raises EngineError with the input's path: UNKNOWN_TOKEN, SAME_TOKEN, INVALID_AMOUNT,
    AMOUNT_PRECISION_EXCEEDED, AMOUNT_OUT_OF_RANGE, UNKNOWN_VENUE, PRICE_IMPACT_TOO_HIGH for a
    limit outside 0 … 10000 bps.
    """
    paid = find_token(token_in, field=("input", "tokenIn"))
    bought = find_token(token_out, field=("input", "tokenOut"))
    if paid == bought:
        raise EngineError(
            ErrorCode.SAME_TOKEN,
            f"{paid.symbol} cannot be swapped for itself.",
            field=("input", "tokenOut"),
        )
    atoms = parse_amount(amount, paid, field=("input", "amount"))
    select_venues(venues, venue_ids or (), field=("input", "venues"))
    if max_price_impact_bps is not None and not 0 <= max_price_impact_bps <= BPS:
        raise EngineError(
            ErrorCode.PRICE_IMPACT_TOO_HIGH,
            f"A price impact limit is 0 to {BPS} basis points.",
            field=("input", "maxPriceImpactBps"),
        )
    return Swap(
        token_in=paid,
        token_out=bought,
        amount_in=atoms,
        venues=tuple(sorted(set(venue_ids or ()))),
        max_price_impact_bps=max_price_impact_bps,
        allow_split=allow_split is not False,
    )


async def require_route(swap: Swap, venues: Sequence[Venue]) -> None:
    """Raise EngineError UNSUPPORTED_PAIR unless an allowed venue trades the pair.

    All are asked at once and one yes is enough, so that none keeps an order of another waiting.
    Where nobody says yes and one cannot tell, its error is raised.
    """
    asked = [
        asyncio.ensure_future(venue.trades(swap.token_in, swap.token_out))
        for venue in select_venues(venues, swap.venues)
    ]
    silent = None
    try:
        for answer in asyncio.as_completed(asked):
            try:
                if await answer:
                    return
            except EngineError as error:
                silent = error
    finally:
        for question in asked:
            question.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    raise silent or EngineError(
        ErrorCode.UNSUPPORTED_PAIR,
        f"No allowed venue trades {swap.token_in.symbol} for {swap.token_out.symbol}.",
        field=("input", "tokenOut"),
    )


def require_simulated(venue_ids: Sequence[str], venues: Sequence[Venue]) -> None:
    """Raise EngineError FORBIDDEN where a venue allowed moves something of value."""
    for venue in select_venues(venues, venue_ids, field=("input", "venues")):
        if not venue.simulated:
            raise EngineError(
                ErrorCode.FORBIDDEN,
                f"Faults go to simulated venues only; {venue.name} is none: name the venues.",
                field=("input", "simulate"),
            )


def validate_market_order(
    swap: Swap,
    *,
    slippage_bps: int | None,
    min_amount_out: str | None,
    simulation: Simulation = NO_FAULTS,
) -> OrderRequest:
    """Return the order; EngineError INVALID_SLIPPAGE or an amount's code where it is not valid."""
    wanted = DEFAULT_SLIPPAGE_BPS if slippage_bps is None else slippage_bps
    return OrderRequest(
        type=OrderType.MARKET,
        swap=swap,
        slippage_bps=require_slippage_bps(wanted, field=("input", "slippageBps")),
        min_amount_out=None
        if min_amount_out is None
        else parse_amount(min_amount_out, swap.token_out, field=("input", "minAmountOut")),
        simulation=require_simulation(simulation),
    )


def require_client_order_id(client_order_id: str) -> str:
    """Return the id, or raise EngineError INVALID_CLIENT_ORDER_ID."""
    if not _CLIENT_ORDER_ID.fullmatch(client_order_id):
        raise EngineError(
            ErrorCode.INVALID_CLIENT_ORDER_ID,
            "A clientOrderId is 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
            field=("input", "clientOrderId"),
        )
    return client_order_id
