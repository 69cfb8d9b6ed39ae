"""Simulated venues: their faults hit as asked, and their quotes grow too old."""

from dataclasses import replace

import pytest

from engine.errors import EngineError, ErrorCode
from engine.swaps.simulation import Fault, VenueFaults
from engine.venues.routing import NoQuote, best_route
from tests.engine.venues.simulated import BIG, BOTH, DEADLINE_MS, FixedLedger, simulated


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.QUOTE_FAILURE, ErrorCode.VENUE_UNAVAILABLE),
        (Fault.QUOTE_TIMEOUT, ErrorCode.VENUE_TIMEOUT),
    ],
)
async def test_a_fault_asked_for_hits_every_venue(fault: Fault, code: ErrorCode) -> None:
    with pytest.raises(NoQuote) as failed:
        await best_route(replace(BIG, fault=fault), simulated(*BOTH), deadline_ms=50)

    assert [told.failure.code for told in failed.value.compared] == [code, code]


async def test_a_slow_venue_by_setting_is_left_out() -> None:
    faults = {"raydium": VenueFaults(extra_latency_ms=60_000)}

    best = await best_route(BIG, simulated(*BOTH, faults=faults), deadline_ms=200)

    assert {leg.venue for leg in best.quote.route} == {"meteora"}


async def test_a_quote_that_is_too_old_is_not_built() -> None:
    ledger = FixedLedger()
    venue, other = simulated(*BOTH, ledger=ledger)
    best = await best_route(BIG, [venue, other], deadline_ms=DEADLINE_MS)
    ledger.now += 10
    await venue.build(best.quote, min_amount_out=1, memo="m", nonce=1)
    ledger.now += 1

    with pytest.raises(EngineError) as refused:
        await venue.build(best.quote, min_amount_out=1, memo="m", nonce=1)

    assert refused.value.code is ErrorCode.QUOTE_EXPIRED
