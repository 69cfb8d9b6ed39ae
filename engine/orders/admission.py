"""Whether an order can be taken now: what depends on the time, the venues and the pools.

None of it is asked of an order that was taken before: what was true then stays true of it.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from engine.errors import EngineError, ErrorCode
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS
from engine.swaps.swap import Swap
from engine.venues.routing import select_venues
from engine.venues.venue import Venue

LONGEST_LIFE = timedelta(days=365)
_MOST_REMEMBERED = 10_000


class Admission:
    """Decides whether orders can be taken now, by these venues."""

    def __init__(self, venues: Sequence[Venue]) -> None:
        self._venues = venues
        self._traded: set[tuple[str, str, tuple[str, ...]]] = set()

    async def require(self, request: OrderRequest, *, now: datetime) -> None:
        """Raise EngineError unless the order can be taken now, naming the input at fault.

        INVALID_EXPIRY, UNKNOWN_VENUE, FORBIDDEN for faults asked of a venue that is none of ours,
        and UNSUPPORTED_PAIR, except for a sniper order, whose pool need not be there yet.
        """
        require_expiry(request.expires_at, now=now)
        if request.swap.venues:
            select_venues(self._venues, request.swap.venues, field=("input", "venues"))
        if request.simulation != NO_FAULTS:
            require_simulated(request.swap.venues, self._venues)
        if request.type is not OrderType.SNIPER:
            await self._require_route(request.swap)

    async def _require_route(self, swap: Swap) -> None:
        """Ask the venues once a pair: should one ever give it up, routing says so."""
        pair = (swap.token_in.mint, swap.token_out.mint, swap.venues)
        if pair in self._traded:
            return
        await require_route(swap, self._venues)
        if len(self._traded) >= _MOST_REMEMBERED:
            self._traded.clear()
        self._traded.add(pair)


def require_expiry(expires_at: datetime | None, *, now: datetime) -> None:
    """Raise EngineError INVALID_EXPIRY for the past or beyond a year."""
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        raise EngineError(
            ErrorCode.INVALID_EXPIRY,
            f"An order expires in the future, at most {LONGEST_LIFE.days} days from now.",
            field=("input", "expiresAt"),
        )


async def require_route(swap: Swap, venues: Sequence[Venue]) -> None:
    """Raise EngineError UNSUPPORTED_PAIR unless an allowed venue trades the pair.

    All are asked at once and one yes is enough, so that none keeps an order of another waiting.
    Where nobody says yes and one cannot tell, its error is raised.
    """
    asked = [
        asyncio.ensure_future(venue.trades(swap.token_in, swap.token_out))
        for venue in select_venues(venues, swap.venues, field=("input", "venues"))
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


def require_simulated(venue_ids: Collection[str], venues: Sequence[Venue]) -> None:
    """Raise EngineError FORBIDDEN where a venue allowed moves something of value."""
    for venue in select_venues(venues, venue_ids, field=("input", "venues")):
        if not venue.simulated:
            raise EngineError(
                ErrorCode.FORBIDDEN,
                f"Faults go to simulated venues only; {venue.name} is none: name the venues.",
                field=("input", "simulate"),
            )
