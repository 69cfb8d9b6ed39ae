"""Routing: every venue asked at once, the best net output wins, the others are told."""

import time

import pytest

from engine.errors import EngineError, ErrorCode
from engine.swaps.swap import Swap
from engine.tokens import SOL, USDC
from engine.venues.routing import best_route
from tests.engine.venues.simulated import DEADLINE_MS, SWAP
from tests.venues import ScriptedVenue, unavailable


async def test_the_best_net_output_wins_and_the_loser_is_kept() -> None:
    venues = [ScriptedVenue("a", amount_out=100), ScriptedVenue("b", amount_out=101)]

    best = await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"
    assert [(told.venue, told.amount_out) for told in best.compared] == [("b", 101), ("a", 100)]


async def test_a_tie_goes_to_fewer_legs_then_to_the_id() -> None:
    venues = [ScriptedVenue("c"), ScriptedVenue("b"), ScriptedVenue("a", legs=2)]

    best = await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"


async def test_venues_are_asked_in_parallel() -> None:
    venues = [ScriptedVenue(name, quote_seconds=0.1) for name in "abcdefghij"]
    started = time.monotonic()

    await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert time.monotonic() - started < 10 * 0.1


async def test_quote_timeout_leaves_the_other_venue_chosen() -> None:
    venues = [ScriptedVenue("slow", amount_out=999, quote_seconds=60), ScriptedVenue("quick")]

    best = await best_route(SWAP, venues, deadline_ms=50)

    assert best.quote.venue == "quick"
    failure = best.compared[1].failure
    assert failure is not None
    assert (failure.code, failure.venue) == (ErrorCode.VENUE_TIMEOUT, "slow")


async def test_a_failing_venue_costs_nothing_but_its_quote() -> None:
    venues = [ScriptedVenue("a", quote_errors=[unavailable("a")]), ScriptedVenue("b")]

    best = await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"


async def test_the_venue_that_failed_last_wins_only_alone() -> None:
    better, other = ScriptedVenue("better", amount_out=200), ScriptedVenue("other", amount_out=100)

    both = await best_route(SWAP, [better, other], deadline_ms=DEADLINE_MS, avoid=["better"])
    alone = await best_route(SWAP, [better], deadline_ms=DEADLINE_MS, avoid=["better"])

    assert both.quote.venue == "other"
    assert alone.quote.venue == "better"


async def test_only_allowed_venues_are_asked() -> None:
    venues = [ScriptedVenue("a", amount_out=200), ScriptedVenue("b")]

    best = await best_route(Swap(SOL, USDC, 1, venues=("b",)), venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"
    assert venues[0].quoted == 0


async def test_an_unknown_venue_is_refused() -> None:
    with pytest.raises(EngineError) as refused:
        await best_route(
            Swap(SOL, USDC, 1, venues=("nowhere",)), [ScriptedVenue()], deadline_ms=DEADLINE_MS
        )

    assert refused.value.code is ErrorCode.UNKNOWN_VENUE


@pytest.mark.parametrize(("impact", "allowed"), [("10.00", True), ("10.01", False)])
async def test_price_impact_may_equal_its_limit_but_not_pass_it(impact: str, allowed: bool) -> None:
    swap = Swap(SOL, USDC, 1, max_price_impact_bps=10)
    venues = [ScriptedVenue(impact_bps=impact)]

    if allowed:
        await best_route(swap, venues, deadline_ms=DEADLINE_MS)
    else:
        with pytest.raises(EngineError) as failed:
            await best_route(swap, venues, deadline_ms=DEADLINE_MS)
        assert failed.value.code is ErrorCode.PRICE_IMPACT_TOO_HIGH


async def test_a_bug_in_a_venue_is_not_taken_for_its_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        await best_route(
            SWAP, [ScriptedVenue(quote_errors=[ZeroDivisionError()])], deadline_ms=DEADLINE_MS
        )
