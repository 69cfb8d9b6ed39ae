"""Venues found by entry point: which are opened, and what is said of one that cannot be."""

from pathlib import Path
from typing import Any, Never, cast

import pytest

from engine.errors import EngineError, ErrorCode
from engine.swaps.swap import Swap
from engine.tokens import SOL, USDC
from engine.venues.ledger import LedgerAway
from models.database import TooMuchWaits, is_outage, is_overload
from tests.plug_in import plug_in
from wiring.plugins import VenueContext, VenueNotLoaded, load_venues
from wiring.settings import get_settings

VENUE = """
class Venue:
    def __init__(self, id):
        self.id = id
def open_it(context):
    return Venue("outside")
def fail(context):
    raise RuntimeError("no key for the desk")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path where venues can be installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def load(*names: str) -> list[str]:
    settings = get_settings().model_copy(update={"venues": list(names)})
    context = VenueContext(settings, ledger=None)
    return [venue.id for venue in load_venues(context)]


def test_every_installed_venue_is_opened(site: Path) -> None:
    plug_in(site, "outside", source=VENUE, factory="open_it")

    assert load() == ["meteora", "outside", "raydium"]


def test_only_the_named_ones_are_opened_in_their_order(site: Path) -> None:
    plug_in(site, "outside", source=VENUE, factory="open_it")

    assert load("raydium", "outside") == ["raydium", "outside"]


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(VenueNotLoaded) as refused:
        load("nowhere")

    assert str(refused.value) == "No venue 'nowhere' is installed; there are: meteora, raydium."


def test_a_factory_that_raises_is_named_with_its_reason(site: Path) -> None:
    plug_in(site, "broke", source=VENUE, factory="fail")

    with pytest.raises(VenueNotLoaded) as refused:
        load("broke")

    assert str(refused.value) == "The venue 'broke' (broke_venue:fail) failed: no key for the desk"


def test_a_module_without_the_factory_is_named(site: Path) -> None:
    plug_in(site, "hollow", source="", factory="missing")

    with pytest.raises(
        VenueNotLoaded, match=r"'hollow' \(hollow_venue:missing\) failed: .*missing"
    ):
        load("hollow")


def test_an_id_that_differs_from_the_entry_point_is_refused(site: Path) -> None:
    plug_in(site, "alias", source=VENUE, factory="open_it")

    with pytest.raises(VenueNotLoaded) as refused:
        load("alias")

    assert str(refused.value) == (
        "The entry point 'alias' opened a venue that calls itself 'outside'."
    )


FAULTY = """
class Venue:
    id, name, simulated = "faulty", "Faulty", True
    def __init__(self, context):
        self.ledger = context.ledger
    async def quote(self, swap):
        raise OSError("the venue's own trouble")
    async def healthy(self):
        return await self.ledger.slot() > 0
    async def trades(self, token_in, token_out):
        return bool(await self.ledger.slot())
"""


class Away:
    """A ledger whose Postgres is away."""

    def __init__(self, trouble: Exception) -> None:
        self.trouble = trouble

    async def slot(self) -> Never:
        raise self.trouble


async def test_a_venues_trouble_is_told_from_an_outage_of_ours(site: Path) -> None:
    plug_in(site, "faulty", source=FAULTY, factory="Venue")
    settings = get_settings().model_copy(update={"venues": ["faulty", "raydium"]})
    ledger = cast(Any, Away(OSError("our own trouble")))
    faulty, raydium = load_venues(VenueContext(settings, ledger))

    with pytest.raises(EngineError) as failed:
        await faulty.quote(Swap(SOL, USDC, 1))
    assert (failed.value.code, failed.value.venue) == (ErrorCode.VENUE_UNAVAILABLE, "faulty")
    for venue in (faulty, raydium):
        assert await venue.healthy() is False
    with pytest.raises(LedgerAway) as away:
        await faulty.trades(SOL, USDC)
    assert is_outage(away.value)


async def test_a_database_without_room_is_told_as_such_through_a_venue() -> None:
    settings = get_settings().model_copy(update={"venues": ["raydium"]})
    [raydium] = load_venues(VenueContext(settings, cast(Any, Away(TooMuchWaits()))))

    with pytest.raises(LedgerAway) as away:
        await raydium.build(None, min_amount_out=1, memo="m", nonce=1)
    assert is_overload(away.value)
