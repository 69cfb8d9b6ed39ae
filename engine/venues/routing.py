"""Ask every venue, drop the ones that failed, choose the best, and say why."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.amounts import format_decimal, price
from engine.errors import EngineError, ErrorCode, Failure
from engine.pools.book import PoolBook
from engine.swaps.paths import best_path, leg_cost
from engine.swaps.reasons import most_telling
from engine.swaps.swap import NotAlone, Quote, Swap, VenueQuote
from engine.venues.venue import Venue


@dataclass(frozen=True, slots=True)
class BestRoute:
    """The winning offer, and every venue's answer, best first."""

    quote: Quote
    compared: tuple[VenueQuote, ...]


class NoQuote(EngineError):
    """No venue offered anything; `compared` still says what each answered."""

    def __init__(self, failure: Failure, compared: tuple[VenueQuote, ...]) -> None:
        super().__init__(failure.code, failure.message, venue=failure.venue)
        self.compared = compared


async def best_route(
    swap: Swap,
    venues: Sequence[Venue],
    *,
    deadline_ms: int,
    leg_cost_lamports: int = 0,
    avoid: Collection[str] = (),
) -> BestRoute:
    """Quote `swap` on all allowed venues at once and return the one with the best net output.

    Where the swap allows it, the amount is divided among venues that settle on the same chain, if
    that beats the best single one after the cost of the legs. Venues in `avoid` (those that failed
    the last attempt) win only when no other answers. One slow or failing venue costs nothing but
    its quote. Ties go to the fewer legs, then the id.

    Raises EngineError UNKNOWN_VENUE for an id nobody has, NoQuote where no venue answered (the
    code is that of the answer most worth another try) and PRICE_IMPACT_TOO_HIGH.
    """
    asked = select_venues(venues, swap.venues)
    answers = await asyncio.gather(*(_ask(venue, swap, deadline_ms) for venue in asked))
    offers = sorted(
        (answer.quote for answer in answers if answer.quote is not None),
        key=lambda quote: (-quote.amount_out, len(quote.route), quote.venue),
    )
    rank = {quote.venue: place for place, quote in enumerate(offers)}
    compared = tuple(
        sorted((a.told for a in answers), key=lambda told: rank.get(told.venue, len(rank)))
    )
    best = min(offers, key=lambda quote: (quote.venue in avoid, rank[quote.venue]), default=None)
    reasons = [told.failure for told in compared if told.failure is not None]
    if swap.allow_split:
        books = [a.book for a in answers if a.book and a.told.venue not in avoid]
        try:
            best = _combined(swap, best, books, leg_cost_lamports) or best
        except EngineError as error:
            reasons.append(error.failure)
    if best is None:
        raise NoQuote(_worth_most(reasons), compared)
    _require_price_impact(best, swap)
    return BestRoute(best, compared)


def select_venues(
    venues: Sequence[Venue], allowed: Collection[str], *, field: tuple[str, ...] | None = None
) -> list[Venue]:
    """Return the venues of these ids, all of them for none; EngineError UNKNOWN_VENUE otherwise."""
    unknown = sorted(set(allowed) - {venue.id for venue in venues})
    if unknown:
        raise EngineError(
            ErrorCode.UNKNOWN_VENUE, f"No venue has the id {unknown[0][:64]!r}.", field=field
        )
    return [venue for venue in venues if not allowed or venue.id in allowed]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A venue's answer, as it is told, and the pools it showed with it."""

    told: VenueQuote
    quote: Quote | None = None
    book: PoolBook | None = None


async def _ask(venue: Venue, swap: Swap, deadline_ms: int) -> _Answer:
    started = time.monotonic()
    book = None
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            quote = await venue.quote(swap)
    except TimeoutError:
        failure = Failure(
            code=ErrorCode.VENUE_TIMEOUT,
            message=f"No quote within {deadline_ms} ms.",
            venue=venue.id,
        )
    except EngineError as error:
        failure = Failure(code=error.code, message=str(error), venue=venue.id)
        book = error.book if isinstance(error, NotAlone) else None
    else:
        told = VenueQuote(
            venue=venue.id,
            amount_out=quote.amount_out,
            price=quote.price,
            price_impact_bps=quote.price_impact_bps,
            fee=quote.fee,
            latency_ms=_since(started),
        )
        return _Answer(told, quote, quote.book)
    told = VenueQuote(venue=venue.id, latency_ms=_since(started), failure=failure)
    return _Answer(told, book=book)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _combined(
    swap: Swap, best: Quote | None, books: Sequence[PoolBook], leg_cost_lamports: int
) -> Quote | None:
    """Return the best quote over the pools of one chain together; None if no better than `best`.

    The chain is that of the best offer; a venue that could not do it alone may still have a part.
    Raises EngineError where they have no path together either.
    """
    known = [best.book] if best is not None else books
    chain = next((book.chain for book in known if book is not None), None)
    together = [book for book in (*known, *books) if book is not None and book.chain == chain]
    if chain is None:
        return None
    book = PoolBook.together(together)
    path = best_path(swap, book, allow_split=True, leg_cost_lamports=leg_cost_lamports)
    route = path.route
    if best is not None:
        cost = leg_cost(swap.token_out, book, leg_cost_lamports)
        if path.amount_out - cost * len(route) <= best.amount_out - cost * len(best.route):
            return None
    biggest = max(route, key=lambda leg: leg.share_bps)
    return Quote(
        venue=biggest.venue,
        amount_in=swap.amount_in,
        amount_out=path.amount_out,
        fee=path.fee,
        price=price(swap.amount_in, swap.token_in, path.amount_out, swap.token_out),
        price_impact_bps=path.price_impact_bps,
        route=route,
        book=book,
        fault=swap.fault,
    )


def _worth_most(reasons: Sequence[Failure]) -> Failure:
    """Return the most telling of the reasons, with what each venue said.

    It names a venue only where that was the only one: of several, none is to be avoided.
    """
    if not reasons:
        return Failure(code=ErrorCode.NO_ROUTE, message="No venue was asked.")
    told = most_telling(reasons)
    venues = [reason for reason in reasons if reason.venue is not None]
    if len(venues) == 1:
        return told.model_copy(update={"venue": venues[0].venue})
    said = "; ".join(f"{reason.venue}: {reason.message}" for reason in venues)
    return Failure(code=told.code, message=f"No venue has a quote. {said}")


def _require_price_impact(quote: Quote, swap: Swap) -> None:
    limit = swap.max_price_impact_bps
    if limit is not None and quote.price_impact_bps > limit:
        raise EngineError(
            ErrorCode.PRICE_IMPACT_TOO_HIGH,
            f"The best route moves the price by {format_decimal(quote.price_impact_bps)} bps; at "
            f"most {limit} are allowed.",
            venue=quote.venue,
            context={
                "price_impact_bps": quote.price_impact_bps,
                "max_price_impact_bps": limit,
            },
        )
