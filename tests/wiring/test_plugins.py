"""Venues found by entry point: which are opened, and what is said of one that cannot be."""

import pytest

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
def site(tmp_path, monkeypatch):
    """A folder on the path where venues can be installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def load(*names: str) -> list[str]:
    settings = get_settings().model_copy(update={"venues": list(names)})
    context = VenueContext(settings, ledger=None)  # type: ignore[arg-type]
    return [venue.id for venue in load_venues(context)]


def test_every_installed_venue_is_opened(site):
    plug_in(site, "outside", source=VENUE, factory="open_it")

    assert load() == ["meteora", "outside", "raydium"]


def test_only_the_named_ones_are_opened_in_their_order(site):
    plug_in(site, "outside", source=VENUE, factory="open_it")

    assert load("raydium", "outside") == ["raydium", "outside"]


def test_an_unknown_name_is_told_which_there_are():
    with pytest.raises(VenueNotLoaded) as refused:
        load("nowhere")

    assert str(refused.value) == "No venue 'nowhere' is installed; there are: meteora, raydium."


def test_a_factory_that_raises_is_named_with_its_reason(site):
    plug_in(site, "broke", source=VENUE, factory="fail")

    with pytest.raises(VenueNotLoaded) as refused:
        load("broke")

    assert str(refused.value) == "The venue 'broke' (broke_venue:fail) failed: no key for the desk"


def test_a_module_without_the_factory_is_named(site):
    plug_in(site, "hollow", source="", factory="missing")

    with pytest.raises(
        VenueNotLoaded, match=r"'hollow' \(hollow_venue:missing\) failed: .*missing"
    ):
        load("hollow")


def test_an_id_that_differs_from_the_entry_point_is_refused(site):
    plug_in(site, "alias", source=VENUE, factory="open_it")

    with pytest.raises(VenueNotLoaded) as refused:
        load("alias")

    assert str(refused.value) == (
        "The entry point 'alias' opened a venue that calls itself 'outside'."
    )
