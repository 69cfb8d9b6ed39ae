"""Venues are found by entry point, so that one from outside plugs in without a change here."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from engine.venues.ledger import Ledger
from engine.venues.venue import Venue
from wiring.settings import Settings

GROUP = "order_engine.venues"


class VenueNotLoaded(Exception):
    """A venue's entry point cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class VenueContext:
    """What a venue may use of ours: the settings, and the devnet's ledger to settle on."""

    settings: Settings
    ledger: Ledger


VenueFactory = Callable[[VenueContext], Venue]
"""What an entry point of the group names: it opens the venue once per process."""


def load_venues(context: VenueContext) -> list[Venue]:
    """Open every venue found, or those the settings name. Raises VenueNotLoaded."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    wanted = context.settings.venues or sorted(found)
    if missing := [name for name in wanted if name not in found]:
        raise VenueNotLoaded(
            f"No venue {missing[0]!r} is installed; there are: {', '.join(sorted(found))}."
        )
    return [_open(found[name], context) for name in wanted]


def _open(point: EntryPoint, context: VenueContext) -> Venue:
    try:
        factory: VenueFactory = point.load()
        venue = factory(context)
    except Exception as error:
        raise VenueNotLoaded(f"The venue {point.name!r} ({point.value}) failed: {error}") from error
    if venue.id != point.name:
        raise VenueNotLoaded(
            f"The entry point {point.name!r} opened a venue that calls itself {venue.id!r}."
        )
    return venue
