"""Ask every venue, drop the ones that failed, choose the best, and say why."""

import asyncio
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from engine.amounts import format_decimal, price
from engine.errors import EngineError, ErrorCode, Failure
from engine.pools.book import PoolBook
from engine.swaps.paths import best_path, leg_cost
from engine.swaps.reasons import most_telling
from engine.swaps.swap import NotAlone, Quote, Swap, VenueQuote
from engine.venues.groups import answers_many, quote_each
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
    """Return the best route of one swap; see best_routes. Raises the EngineError it comes to."""
    [best] = await best_routes(
        [Wish(swap, avoid)], venues, deadline_ms=deadline_ms, leg_cost_lamports=leg_cost_lamports
    )
    if isinstance(best, EngineError):
        raise best
    return best


@dataclass(frozen=True, slots=True)
class Wish:
    """A swap to be routed, and the venues that failed its last attempt."""

    swap: Swap
    avoid: Collection[str] = ()


async def best_routes(
    wishes: Sequence[Wish],
    venues: Sequence[Venue],
    *,
    deadline_ms: int,
    leg_cost_lamports: int = 0,
) -> list[BestRoute | EngineError]:
    """Quote each swap on all its allowed venues at once and choose the best net output of each.

    Where a swap allows it, the amount is divided among venues that settle on the same chain, if
    that beats the best single one after the cost of the legs. Venues to avoid win only when no
    other answers. One slow or failing venue costs nothing but its quote. Ties go to the fewer
    legs, then the id.

    What a swap comes to is its route, or EngineError UNKNOWN_VENUE for an id nobody has, NoQuote
    where no venue answered (the code is that of the answer most worth another try) and
    PRICE_IMPACT_TOO_HIGH.
    """
    answers: list[list[_Answer]] = [[] for _ in wishes]
    for n, answer in await _ask_all([wish.swap for wish in wishes], venues, deadline_ms):
        answers[n].append(answer)
    return [
        _choose(wish, said, venues, leg_cost_lamports)
        for wish, said in zip(wishes, answers, strict=True)
    ]


def _choose(
    wish: Wish, answers: Sequence["_Answer"], venues: Sequence[Venue], leg_cost_lamports: int
) -> BestRoute | EngineError:
    swap, avoid = wish.swap, wish.avoid
    try:
        select_venues(venues, swap.venues)
    except EngineError as error:
        return error
    offers = sorted(
        (answer.quote for answer in answers if answer.quote is not None),
        key=lambda quote: (-quote.amount_out, len(quote.route), quote.venue),
    )
    # Told in the order of what they offer; those without an offer come after them.
    rank = {quote.venue: place for place, quote in enumerate(offers)}
    compared = tuple(
        sorted((a.told for a in answers), key=lambda told: rank.get(told.venue, len(rank)))
    )
    # A venue that failed the last attempt may still be the only one that answers.
    best = min(offers, key=lambda quote: (quote.venue in avoid, rank[quote.venue]), default=None)
    reasons = [told.failure for told in compared if told.failure is not None]
    if swap.allow_split:
        # Nor does it have a part in a split, where it could fail the whole once more.
        books = [a.book for a in answers if a.book and a.told.venue not in avoid]
        try:
            best = _combined(swap, best, books, leg_cost_lamports) or best
        except EngineError as error:
            reasons.append(error.failure)
    if best is None:
        return NoQuote(_worth_most(reasons), compared)
    return _too_much_impact(best, swap) or BestRoute(best, compared)


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


async def _ask_all(
    swaps: Sequence[Swap], venues: Sequence[Venue], deadline_ms: int
) -> list[tuple[int, _Answer]]:
    """Return each answer with the place of its swap; one that is silent is not waited for."""
    questions = list(_questions(swaps, venues))
    if not questions:
        return []
    tasks = [asyncio.create_task(_ask(venue, asked)) for venue, _, asked in questions]
    try:
        await asyncio.wait(tasks, timeout=deadline_ms / 1000)
        return [
            (n, answer)
            for (venue, places, _), task in zip(questions, tasks, strict=True)
            for n, answer in zip(
                places,
                task.result() if task.done() else [_silent(venue, deadline_ms)] * len(places),
                strict=True,
            )
        ]
    finally:
        # Late ones, and all of them where whoever asked is gone: nobody is left to hear them.
        for task in tasks:
            task.cancel()


def _questions(
    swaps: Sequence[Swap], venues: Sequence[Venue]
) -> Iterator[tuple[Venue, Sequence[int], Sequence[Swap]]]:
    """Yield what each venue is asked: many swaps at once where it can, else each apart.

    Swaps that ask for a fault or a delay are apart everywhere, so that only they wait for it.
    """
    for venue in venues:
        places = [n for n, swap in enumerate(swaps) if not swap.venues or venue.id in swap.venues]
        together = [
            n
            for n in places
            if answers_many(venue) and not swaps[n].fault and not swaps[n].extra_latency_ms
        ]
        if together:
            yield venue, together, [swaps[n] for n in together]
        for n in sorted(set(places) - set(together)):
            yield venue, [n], [swaps[n]]


def _silent(venue: Venue, deadline_ms: int) -> _Answer:
    failure = Failure(
        code=ErrorCode.VENUE_TIMEOUT,
        message=f"No quote within {deadline_ms} ms.",
        venue=venue.id,
    )
    return _Answer(VenueQuote(venue=venue.id, latency_ms=deadline_ms, failure=failure))


async def _ask(venue: Venue, swaps: Sequence[Swap]) -> list[_Answer]:
    started = time.monotonic()
    said = await quote_each(venue, swaps)
    return [_told(venue.id, answer, _since(started)) for answer in said]


def _told(venue: str, answer: Quote | EngineError, latency_ms: int) -> _Answer:
    if isinstance(answer, EngineError):
        failure = Failure(code=answer.code, message=str(answer), venue=venue)
        return _Answer(
            VenueQuote(venue=venue, latency_ms=latency_ms, failure=failure),
            book=answer.book if isinstance(answer, NotAlone) else None,
        )
    told = VenueQuote.model_construct(
        venue=venue,
        amount_out=answer.amount_out,
        price=answer.price,
        price_impact_bps=answer.price_impact_bps,
        fee=answer.fee,
        latency_ms=latency_ms,
        failure=None,
    )
    return _Answer(told, answer, answer.book)


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
    # One transaction settles on one chain: pools of others cannot be part of it.
    chain = next((book.chain for book in known if book is not None), None)
    together = [book for book in (*known, *books) if book is not None and book.chain == chain]
    if chain is None:
        return None
    book = PoolBook.together(together)
    path = best_path(swap, book, allow_split=True, leg_cost_lamports=leg_cost_lamports)
    route = path.route
    if best is not None:
        cost = leg_cost(swap.token_out, book, leg_cost_lamports)
        # Of equals the single venue's: fewer pools have to be then as they are now.
        if path.amount_out - cost * len(route) <= best.amount_out - cost * len(best.route):
            return None
    # One venue signs and sends for all of them: the one with the greatest part.
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


def _too_much_impact(quote: Quote, swap: Swap) -> EngineError | None:
    limit = swap.max_price_impact_bps
    if limit is None or quote.price_impact_bps <= limit:
        return None
    return EngineError(
        ErrorCode.PRICE_IMPACT_TOO_HIGH,
        f"The best route moves the price by {format_decimal(quote.price_impact_bps)} bps; at "
        f"most {limit} are allowed.",
        venue=quote.venue,
        context={
            "price_impact_bps": quote.price_impact_bps,
            "max_price_impact_bps": limit,
        },
    )
