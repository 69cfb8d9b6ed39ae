"""Behind the guard, whatever a venue does wrong is a typed failure of that venue."""

import asyncio
from typing import Any, cast

import pytest

from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.swaps.swap import NotAlone
from engine.venues.guarded import GuardedVenue, unguarded
from engine.venues.ledger import LedgerAway
from engine.venues.routing import NoQuote, best_route
from tests.engine.venues.odd import CALLS, FOR_EVER, STUBBORN, SWAP, every_call, failure, guarded

C = ErrorCode


@every_call
@pytest.mark.parametrize(
    ("does", "code"),
    [
        (OSError("no route to host"), C.VENUE_UNAVAILABLE),
        (ConnectionResetError(), C.VENUE_UNAVAILABLE),
        (TimeoutError(), C.VENUE_TIMEOUT),
        (ZeroDivisionError(), C.VENUE_UNAVAILABLE),
        (AssertionError(), C.VENUE_UNAVAILABLE),
        (asyncio.CancelledError(), C.VENUE_UNAVAILABLE),
        (SystemExit(1), C.VENUE_UNAVAILABLE),
        (EngineError(cast(Any, "NO_SUCH_CODE"), "It made one up."), C.VENUE_UNAVAILABLE),
    ],
    ids=repr,
)
async def test_whatever_it_raises_is_its_own_failure(
    asked: str, does: Any, code: ErrorCode
) -> None:
    heard: list[Any] = []

    error = await failure(asked, does, heard=heard)

    assert error.code is code
    assert [(venue, what) for venue, what, _ in heard] == [("odd", asked)]


@every_call
@pytest.mark.parametrize("does", [FOR_EVER, STUBBORN], ids=["quiet", "stubborn"])
async def test_silence_is_a_timeout(asked: str, does: Any) -> None:
    if asked == "quote":  # its deadline is the router's
        with pytest.raises(NoQuote) as failed:
            await best_route(SWAP, [guarded(does)], deadline_ms=50)
        assert failed.value.code is C.VENUE_TIMEOUT
    else:
        assert (await failure(asked, does)).code is C.VENUE_TIMEOUT


@every_call
async def test_what_it_refuses_in_the_protocols_words_stays_as_it_is(asked: str) -> None:
    said = EngineError(C.VENUE_REJECTED, "Not today.", venue="somebody else", context={"n": 1})

    assert await failure(asked, said) is said
    assert said.code is C.VENUE_REJECTED
    assert (said.message, said.context) == ("Not today.", {"n": 1})


async def test_a_part_it_could_take_is_still_shown() -> None:
    book = PoolBook("devnet", 1, {})
    told = NotAlone(EngineError(C.NO_ROUTE, "Not alone."), venue="odd", book=book)

    assert (await failure("quote", told)).book is book


async def test_words_that_cannot_be_stored_are_cleaned() -> None:
    error = await failure("quote", EngineError(C.VENUE_REJECTED, "No\0\ud800!" + "x" * 10_000))

    assert str(error).startswith("No  !xxx")
    assert len(str(error)) == 256


@every_call
async def test_an_outage_of_our_own_ledger_is_not_its_failure(asked: str) -> None:
    with pytest.raises(LedgerAway):
        await CALLS[asked](guarded(LedgerAway()))


@pytest.mark.parametrize(
    "does",
    [
        *(FOR_EVER, STUBBORN, OSError(), LedgerAway(), SystemExit(), asyncio.CancelledError()),
        *("yes", None, 1),
    ],
    ids=repr,
)
async def test_it_is_not_healthy_where_it_cannot_say_so(does: Any) -> None:
    assert await guarded(does).healthy() is False
    assert await guarded(True).healthy() is True


async def test_cancelling_the_caller_cancels_the_venue() -> None:
    venue = guarded(FOR_EVER, seconds=60)
    asking = asyncio.ensure_future(venue.build(None, min_amount_out=1, memo="m", nonce=1))
    await asyncio.sleep(0)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_venue_without_a_name_has_its_id_and_is_not_taken_for_simulated() -> None:
    class Bare:
        id = "bare"

    venue = GuardedVenue(cast(Any, Bare()), on_fault=print)

    assert (venue.name, venue.simulated) == ("bare", False)
    assert isinstance(unguarded(venue), Bare)
