"""Ask a venue about many at once: in one call where it can, else side by side.

A venue that answers many at once has these three methods beside the protocol's own. Each gives an
answer for each question, in order, or the EngineError of that one alone.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard, TypeVar

from engine.errors import EngineError
from engine.swaps.swap import Quote, Swap
from engine.swaps.transaction import SignedTransaction
from engine.venues.venue import Venue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """What Venue.build is asked for."""

    quote: Quote
    min_amount_out: int
    memo: str
    nonce: int


class GroupVenue(Protocol):
    """A venue that answers many at once; see Venue for what each answer is."""

    @property
    def answers_many(self) -> bool:
        """Whether it does, as it is set up."""

    async def quote_many(self, swaps: Sequence[Swap]) -> Sequence[Quote | EngineError]:
        """Return an offer for each swap; none of them asks for a fault or a delay."""

    async def build_many(
        self, asked: Sequence[BuildOrder]
    ) -> Sequence[SignedTransaction | EngineError]:
        """Return a signed transaction for each quote."""

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        """Send each; None where it was taken."""


def answers_many(venue: Venue) -> TypeGuard[GroupVenue]:
    """Say whether a venue can be asked about many at once."""
    return getattr(venue, "answers_many", False) is True


async def quote_each(venue: Venue, swaps: Sequence[Swap]) -> Sequence[Quote | EngineError]:
    """Return the venue's offer for each swap."""
    if answers_many(venue) and len(swaps) > 1:
        return await venue.quote_many(swaps)
    return await side_by_side(_or_error(venue.quote(swap)) for swap in swaps)


async def build_each(
    venue: Venue, asked: Sequence[BuildOrder]
) -> Sequence[SignedTransaction | EngineError]:
    """Return the venue's transaction for each quote."""
    if answers_many(venue) and len(asked) > 1:
        return await venue.build_many(asked)
    return await side_by_side(
        _or_error(
            venue.build(
                one.quote, min_amount_out=one.min_amount_out, memo=one.memo, nonce=one.nonce
            )
        )
        for one in asked
    )


async def submit_each(
    venue: Venue, transactions: Sequence[SignedTransaction]
) -> Sequence[EngineError | None]:
    """Send each to the venue; None where it took it."""
    if answers_many(venue) and len(transactions) > 1:
        return await venue.submit_many(transactions)
    return await side_by_side(_or_error(venue.submit(one)) for one in transactions)


async def side_by_side(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return what each comes to, all at once; a single one needs no task of its own."""
    many = list(work)
    return [await many[0]] if len(many) == 1 else list(await asyncio.gather(*many))


async def _or_error(answer: Awaitable[T]) -> T | EngineError:
    try:
        return await answer
    except EngineError as error:
        return error
