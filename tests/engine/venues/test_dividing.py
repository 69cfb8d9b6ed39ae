"""Orders divided among venues, whole where that is better, and built as one transaction."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.errors import EngineError, ErrorCode
from engine.pools.book import Pools
from engine.swaps.simulation import VenueFaults
from engine.swaps.swap import Swap
from engine.swaps.transaction import decode
from engine.tokens import JUP, ORCA, SOL, USDC, WIF
from engine.venues.routing import NoQuote, best_route
from tests.engine.venues.simulated import (
    BIG,
    BOTH,
    DEADLINE_MS,
    NEW,
    SWAP,
    FixedLedger,
    launched,
    simulated,
)
from tests.venues import ScriptedVenue


async def test_a_big_order_is_divided_and_the_single_offers_are_still_told() -> None:
    best = await best_route(BIG, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert {leg.venue for leg in best.quote.route} == set(BOTH)
    assert best.quote.venue == "raydium"  # the biggest part
    assert all(told.amount_out < best.quote.amount_out for told in best.compared)
    assert {told.venue for told in best.compared} == set(BOTH)


async def test_an_order_that_may_not_be_divided_is_not() -> None:
    best = await best_route(
        replace(BIG, allow_split=False), simulated(*BOTH), deadline_ms=DEADLINE_MS
    )

    assert [leg.venue for leg in best.quote.route] == ["raydium"]


async def test_a_venue_that_does_not_answer_has_no_part() -> None:
    faults = {"meteora": VenueFaults(error_rate=Decimal(1))}

    best = await best_route(BIG, simulated(*BOTH, faults=faults), deadline_ms=DEADLINE_MS)

    assert {leg.venue for leg in best.quote.route} == {"raydium"}
    failure = best.compared[1].failure
    assert failure is not None
    assert (failure.code, failure.venue) == (ErrorCode.VENUE_UNAVAILABLE, "meteora")


async def test_the_venue_that_failed_last_has_no_part_either() -> None:
    best = await best_route(BIG, simulated(*BOTH), deadline_ms=DEADLINE_MS, avoid=["meteora"])

    assert {leg.venue for leg in best.quote.route} == {"raydium"}


async def test_the_only_venue_is_used_even_if_it_failed_last() -> None:
    best = await best_route(
        replace(BIG, venues=("raydium",)),
        simulated(*BOTH),
        deadline_ms=DEADLINE_MS,
        avoid=["raydium"],
    )

    assert {leg.venue for leg in best.quote.route} == {"raydium"}


async def test_a_venue_that_shows_no_pools_competes_whole_or_not_at_all() -> None:
    closed = ScriptedVenue("closed", amount_out=10**12)

    best = await best_route(BIG, [closed, *simulated(*BOTH)], deadline_ms=DEADLINE_MS)

    assert [leg.venue for leg in best.quote.route] == ["closed"]


async def test_a_venue_that_cannot_do_it_alone_still_takes_its_part() -> None:
    too_big_for_meteora = replace(BIG, amount_in=3_000 * 10**9)

    best = await best_route(too_big_for_meteora, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert {leg.venue for leg in best.quote.route} == set(BOTH)
    failure = best.compared[1].failure
    assert failure is not None
    assert (failure.code, failure.venue) == (ErrorCode.INSUFFICIENT_LIQUIDITY, "meteora")


async def test_a_venue_without_a_whole_route_lends_its_pool_for_a_leg() -> None:
    swap = Swap(ORCA, JUP, 10**7)

    best = await best_route(swap, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert [leg.pool for leg in best.quote.route] == ["raydium:ORCA-USDC", "meteora:JUP-USDC"]
    assert best.compared[1].failure is not None


async def test_what_each_alone_is_too_small_for_both_may_do() -> None:
    ledger = FixedLedger()
    ledger.pools = {"meteora:SOL-USDC": ledger.pools["meteora:SOL-USDC"]}
    other = replace(ledger.pools["meteora:SOL-USDC"], id="raydium:SOL-USDC", venue="raydium")
    ledger.pools[other.id] = other
    swap = replace(BIG, amount_in=1_500 * 10**9)

    best = await best_route(swap, simulated(*BOTH, ledger=ledger), deadline_ms=DEADLINE_MS)

    assert len(best.quote.route) == 2
    with pytest.raises(NoQuote) as failed:
        await best_route(
            replace(swap, allow_split=False),
            simulated(*BOTH, ledger=ledger),
            deadline_ms=DEADLINE_MS,
        )
    assert failed.value.code is ErrorCode.INSUFFICIENT_LIQUIDITY


async def test_the_impact_limit_holds_for_a_divided_order() -> None:
    best = await best_route(BIG, simulated(*BOTH), deadline_ms=DEADLINE_MS)
    limit = int(best.quote.price_impact_bps)

    with pytest.raises(EngineError) as failed:
        await best_route(
            replace(BIG, max_price_impact_bps=limit), simulated(*BOTH), deadline_ms=DEADLINE_MS
        )

    assert failed.value.code is ErrorCode.PRICE_IMPACT_TOO_HIGH


async def test_one_transaction_carries_all_parts_of_a_divided_order() -> None:
    (venue, other) = simulated(*BOTH)
    best = await best_route(BIG, [venue, other], deadline_ms=DEADLINE_MS)

    signed = await venue.build(best.quote, min_amount_out=7, memo="m", nonce=1)

    transaction = decode(signed.payload)
    (hop,) = transaction.hops
    assert {share.pool: share.weight for share in hop.shares} == {
        leg.pool: leg.amount_in for leg in best.quote.route
    }
    assert (transaction.amount_in, transaction.min_amount_out) == (500 * 10**9, 7)


async def test_thin_pools_on_both_venues_do_not_hide_the_way_over_a_hub() -> None:
    ledger = FixedLedger()
    for id in BOTH:
        pool = launched(id, WIF, "20", "10")
        ledger.pools[pool.id] = pool
    swap = Swap(WIF, USDC, 10_000 * 10**6)

    best = await best_route(swap, simulated(*BOTH, ledger=ledger), deadline_ms=DEADLINE_MS)

    assert best.quote.amount_out == 4_962_652_922
    assert all(told.amount_out > 4_900 * 10**6 for told in best.compared)
    assert {(leg.token_in, leg.token_out) for leg in best.quote.route} == {
        (WIF.mint, SOL.mint),
        (SOL.mint, USDC.mint),
    }


async def test_too_thin_a_pool_takes_no_part_for_who_asks_for_depth() -> None:
    ledger = FixedLedger()
    for pool in (
        launched("raydium", NEW, "500000", "1000", quote="SOL"),
        launched("meteora", NEW, "1000", "1", quote="SOL"),
    ):
        ledger.pools[pool.id] = pool
    venues = simulated(*BOTH, ledger=ledger)
    swap = Swap(SOL, NEW, 10**8, min_liquidity=100 * 10**9)

    best = await best_route(swap, venues, deadline_ms=DEADLINE_MS)

    assert [leg.pool for leg in best.quote.route] == ["raydium:NEW-SOL"]
    with pytest.raises(NoQuote) as failed:
        await best_route(replace(swap, venues=("meteora",)), venues, deadline_ms=DEADLINE_MS)
    assert failed.value.code is ErrorCode.INSUFFICIENT_LIQUIDITY


async def test_dust_passes_a_limit_on_price_impact() -> None:
    swap = Swap(SOL, USDC, 100, max_price_impact_bps=0)

    best = await best_route(swap, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert best.quote.amount_out == 14
    assert best.quote.price_impact_bps == 0


async def test_what_a_quote_costs_does_not_depend_on_the_pools_of_other_pairs() -> None:
    class NeverWalked(Pools):
        def __iter__(self) -> Iterator[str]:
            raise AssertionError("a quote went through every pool")

    ledger = FixedLedger()
    ledger.pools = NeverWalked(ledger.pools)

    for swap in (SWAP, BIG, Swap(ORCA, JUP, 10**7)):
        best = await best_route(
            swap, simulated(*BOTH, ledger=ledger), deadline_ms=DEADLINE_MS, leg_cost_lamports=5_000
        )
        assert best.quote.amount_out
