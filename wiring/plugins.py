"""Venues are found by entry point, so that one from outside plugs in without a change here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from engine.errors import EngineError
from engine.pools.book import PoolBook
from engine.swaps.transaction import SignedTransaction, StatusReport
from engine.venues.guarded import GuardedVenue
from engine.venues.ledger import Ledger, LedgerAway
from engine.venues.venue import Venue
from models.database import is_outage, is_overload
from wiring.logs import get_logger
from wiring.settings import Settings

T = TypeVar("T")

GROUP = "order_engine.venues"

log = get_logger(__name__)


class VenueNotLoaded(Exception):
    """A venue's entry point cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class VenueContext:
    """What a venue may use of ours: the settings, and the devnet's ledger to settle on."""

    settings: Settings
    ledger: Ledger


VenueFactory = Callable[[VenueContext], Venue]
"""What an entry point of the group names: it opens the venue once per process."""


def load_venues(context: VenueContext) -> list[GuardedVenue]:
    """Open every venue found, or those the settings name, each behind a guard.

    Raises VenueNotLoaded.
    """
    found = {point.name: point for point in entry_points(group=GROUP)}
    wanted = context.settings.venues or sorted(found)
    if missing := [name for name in wanted if name not in found]:
        raise VenueNotLoaded(
            f"No venue {missing[0]!r} is installed; there are: {', '.join(sorted(found))}."
        )
    apart = replace(context, ledger=_LedgerOfVenues(context.ledger))
    return [_open(found[name], apart) for name in wanted]


class _LedgerOfVenues:
    """The ledger as venues see it: its outages can be told from theirs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def slot(self) -> int:
        return await _ours(self._ledger.slot())

    async def book(self) -> PoolBook:
        return await _ours(self._ledger.book())

    async def submit(self, transaction: SignedTransaction) -> None:
        await _ours(self._ledger.submit(transaction))

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        return await _ours(self._ledger.submit_many(transactions))

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        return await _ours(self._ledger.statuses(signatures))


async def _ours(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except Exception as error:
        if is_outage(error) or is_overload(error):
            raise LedgerAway from error
        raise


def _tell(venue: str, asked: str, error: BaseException) -> None:
    log.warning("venue.failed", venue=venue, asked=asked, error=repr(error))


def _open(point: EntryPoint, context: VenueContext) -> GuardedVenue:
    try:
        factory: VenueFactory = point.load()
        venue = GuardedVenue(factory(context), on_fault=_tell)
    except Exception as error:
        raise VenueNotLoaded(f"The venue {point.name!r} ({point.value}) failed: {error}") from error
    if venue.id != point.name:
        raise VenueNotLoaded(
            f"The entry point {point.name!r} opened a venue that calls itself {venue.id!r}."
        )
    return venue
