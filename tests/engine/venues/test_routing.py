"""Routing: every venue asked at once, the best net output wins, the others are told."""

import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.devnet.chain import Rules
from engine.devnet.genesis import genesis_pools
from engine.devnet.launch import read_launch
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook, Pools
from engine.swaps.simulation import Fault, VenueFaults
from engine.swaps.swap import Swap
from engine.swaps.transaction import SignedTransaction, StatusReport, decode
from engine.tokens import GENESIS, JUP, ORCA, SOL, USDC, WIF, Token
from engine.venues.routing import NoQuote, best_route
from engine.venues.simulated import SimulatedVenue
from tests.venues import ScriptedVenue, rejected, unavailable

SWAP = Swap(SOL, USDC, 10**9)
DEADLINE_MS = 1_000


async def test_the_best_net_output_wins_and_the_loser_is_kept():
    venues = [ScriptedVenue("a", amount_out=100), ScriptedVenue("b", amount_out=101)]

    best = await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"
    assert [(told.venue, told.amount_out) for told in best.compared] == [("b", 101), ("a", 100)]


async def test_a_tie_goes_to_fewer_legs_then_to_the_id():
    venues = [ScriptedVenue("c"), ScriptedVenue("b"), ScriptedVenue("a", legs=2)]

    best = await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"


async def test_venues_are_asked_in_parallel():
    venues = [ScriptedVenue(name, quote_seconds=0.1) for name in "abcdefghij"]
    started = time.monotonic()

    await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert time.monotonic() - started < 10 * 0.1


async def test_quote_timeout_leaves_the_other_venue_chosen():
    venues = [ScriptedVenue("slow", amount_out=999, quote_seconds=60), ScriptedVenue("quick")]

    best = await best_route(SWAP, venues, deadline_ms=50)

    assert best.quote.venue == "quick"
    failure = best.compared[1].failure
    assert failure is not None
    assert (failure.code, failure.venue) == (ErrorCode.VENUE_TIMEOUT, "slow")


async def test_a_failing_venue_costs_nothing_but_its_quote():
    venues = [ScriptedVenue("a", quote_errors=[unavailable("a")]), ScriptedVenue("b")]

    best = await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"


async def test_without_any_quote_the_curable_reason_is_given():
    venues = [
        ScriptedVenue("a", quote_errors=[rejected("a")]),
        ScriptedVenue("b", quote_errors=[unavailable("b")]),
    ]

    with pytest.raises(NoQuote) as failed:
        await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert failed.value.code is ErrorCode.VENUE_UNAVAILABLE
    assert failed.value.venue is None  # none of them is to be avoided next time
    assert {told.venue for told in failed.value.compared} == {"a", "b"}


async def test_an_amount_too_small_is_told_before_a_venue_without_a_route():
    with pytest.raises(NoQuote) as failed:
        await best_route(Swap(ORCA, USDC, 1), simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert failed.value.code is ErrorCode.ZERO_OUTPUT
    assert [told.failure.code for told in failed.value.compared] == [
        ErrorCode.NO_ROUTE,
        ErrorCode.ZERO_OUTPUT,
    ]


async def test_what_the_venues_could_only_do_together_tells_why_they_cannot():
    ledger = FixedLedger()
    del ledger.pools["raydium:JUP-USDC"], ledger.pools["raydium:JUP-SOL"]

    with pytest.raises(NoQuote) as failed:
        await best_route(
            Swap(ORCA, JUP, 1), simulated(*BOTH, ledger=ledger), deadline_ms=DEADLINE_MS
        )

    assert {told.failure.code for told in failed.value.compared} == {ErrorCode.NO_ROUTE}
    assert failed.value.code is ErrorCode.ZERO_OUTPUT


C = ErrorCode


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ((C.NO_ROUTE, C.ZERO_OUTPUT), C.ZERO_OUTPUT),
        ((C.INSUFFICIENT_LIQUIDITY, C.NO_ROUTE), C.INSUFFICIENT_LIQUIDITY),
        ((C.NO_ROUTE, C.AMOUNT_OUT_OF_RANGE), C.AMOUNT_OUT_OF_RANGE),
        ((C.AMOUNT_OUT_OF_RANGE, C.INSUFFICIENT_LIQUIDITY), C.INSUFFICIENT_LIQUIDITY),
        ((C.NO_ROUTE, C.VENUE_REJECTED), C.VENUE_REJECTED),
        ((C.VENUE_REJECTED, C.ZERO_OUTPUT), C.ZERO_OUTPUT),
        ((C.ZERO_OUTPUT, C.VENUE_UNAVAILABLE), C.VENUE_UNAVAILABLE),
        ((C.NO_ROUTE, C.NO_ROUTE), C.NO_ROUTE),
    ],
)
async def test_of_several_reasons_the_most_telling_one_is_given(codes, told):
    for order in (codes, codes[::-1]):
        venues = [
            ScriptedVenue(id, quote_errors=[EngineError(code, "It says so.", venue=id)])
            for id, code in zip("ab", order, strict=True)
        ]

        with pytest.raises(NoQuote) as failed:
            await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

        assert failed.value.code is told


async def test_the_venue_that_failed_last_wins_only_alone():
    better, other = ScriptedVenue("better", amount_out=200), ScriptedVenue("other", amount_out=100)

    both = await best_route(SWAP, [better, other], deadline_ms=DEADLINE_MS, avoid=["better"])
    alone = await best_route(SWAP, [better], deadline_ms=DEADLINE_MS, avoid=["better"])

    assert both.quote.venue == "other"
    assert alone.quote.venue == "better"


async def test_only_allowed_venues_are_asked():
    venues = [ScriptedVenue("a", amount_out=200), ScriptedVenue("b")]

    best = await best_route(Swap(SOL, USDC, 1, venues=("b",)), venues, deadline_ms=DEADLINE_MS)

    assert best.quote.venue == "b"
    assert venues[0].quoted == 0


async def test_an_unknown_venue_is_refused():
    with pytest.raises(EngineError) as refused:
        await best_route(
            Swap(SOL, USDC, 1, venues=("nowhere",)), [ScriptedVenue()], deadline_ms=DEADLINE_MS
        )

    assert refused.value.code is ErrorCode.UNKNOWN_VENUE


@pytest.mark.parametrize(("impact", "allowed"), [("10.00", True), ("10.01", False)])
async def test_price_impact_may_equal_its_limit_but_not_pass_it(impact, allowed):
    swap = Swap(SOL, USDC, 1, max_price_impact_bps=10)
    venues = [ScriptedVenue(impact_bps=impact)]

    if allowed:
        await best_route(swap, venues, deadline_ms=DEADLINE_MS)
    else:
        with pytest.raises(EngineError) as failed:
            await best_route(swap, venues, deadline_ms=DEADLINE_MS)
        assert failed.value.code is ErrorCode.PRICE_IMPACT_TOO_HIGH


async def test_a_bug_in_a_venue_is_not_taken_for_its_answer():
    with pytest.raises(ZeroDivisionError):
        await best_route(
            SWAP, [ScriptedVenue(quote_errors=[ZeroDivisionError()])], deadline_ms=DEADLINE_MS
        )


class FixedLedger:
    """A chain that stands still."""

    def __init__(self, slot: int = 1) -> None:
        self.now = slot
        self.pools = {pool.id: pool for pool in genesis_pools()}

    async def slot(self) -> int:
        return self.now

    async def book(self) -> PoolBook:
        return PoolBook("devnet", self.now, self.pools)

    async def submit(self, transaction: SignedTransaction) -> None:
        raise AssertionError("nothing is sent here")

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        raise AssertionError("nothing is asked here")


def simulated(*ids: str, ledger: FixedLedger | None = None, faults=None) -> list[SimulatedVenue]:
    rules = Rules("test", market_moves=False, faults=faults or {})
    return [
        SimulatedVenue(
            id,
            id.title(),
            ledger or FixedLedger(),
            rules,
            quote_latency_ms=0,
            quote_validity_slots=10,
            validity_slots=150,
        )
        for id in ids
    ]


NEW = Token("NEW", "NewTokenMint1111111111111111111111111111111", 6, "NEW")


def launched(venue: str, token: Token, reserve: str, quote_reserve: str, quote: str = "USDC"):
    return read_launch(
        GENESIS,
        venue=venue,
        mint=token.mint,
        symbol=token.symbol,
        decimals=token.decimals,
        quote_token=quote,
        reserve=reserve,
        quote_reserve=quote_reserve,
    )


BIG = Swap(SOL, USDC, 500 * 10**9)
BOTH = ("meteora", "raydium")


async def test_a_big_order_is_divided_and_the_single_offers_are_still_told():
    best = await best_route(BIG, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert {leg.venue for leg in best.quote.route} == set(BOTH)
    assert best.quote.venue == "raydium"  # the biggest part
    assert all(told.amount_out < best.quote.amount_out for told in best.compared)
    assert {told.venue for told in best.compared} == set(BOTH)


async def test_an_order_that_may_not_be_divided_is_not():
    best = await best_route(
        replace(BIG, allow_split=False), simulated(*BOTH), deadline_ms=DEADLINE_MS
    )

    assert [leg.venue for leg in best.quote.route] == ["raydium"]


async def test_a_venue_that_does_not_answer_has_no_part():
    faults = {"meteora": VenueFaults(error_rate=Decimal(1))}

    best = await best_route(BIG, simulated(*BOTH, faults=faults), deadline_ms=DEADLINE_MS)

    assert {leg.venue for leg in best.quote.route} == {"raydium"}
    failure = best.compared[1].failure
    assert failure is not None
    assert (failure.code, failure.venue) == (ErrorCode.VENUE_UNAVAILABLE, "meteora")


async def test_the_venue_that_failed_last_has_no_part_either():
    best = await best_route(BIG, simulated(*BOTH), deadline_ms=DEADLINE_MS, avoid=["meteora"])

    assert {leg.venue for leg in best.quote.route} == {"raydium"}


async def test_the_only_venue_is_used_even_if_it_failed_last():
    best = await best_route(
        replace(BIG, venues=("raydium",)),
        simulated(*BOTH),
        deadline_ms=DEADLINE_MS,
        avoid=["raydium"],
    )

    assert {leg.venue for leg in best.quote.route} == {"raydium"}


async def test_a_venue_that_shows_no_pools_competes_whole_or_not_at_all():
    closed = ScriptedVenue("closed", amount_out=10**12)

    best = await best_route(BIG, [closed, *simulated(*BOTH)], deadline_ms=DEADLINE_MS)

    assert [leg.venue for leg in best.quote.route] == ["closed"]


async def test_a_venue_that_cannot_do_it_alone_still_takes_its_part():
    too_big_for_meteora = replace(BIG, amount_in=3_000 * 10**9)

    best = await best_route(too_big_for_meteora, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert {leg.venue for leg in best.quote.route} == set(BOTH)
    failure = best.compared[1].failure
    assert failure is not None
    assert (failure.code, failure.venue) == (ErrorCode.INSUFFICIENT_LIQUIDITY, "meteora")


async def test_a_venue_without_a_whole_route_lends_its_pool_for_a_leg():
    swap = Swap(ORCA, JUP, 10**7)

    best = await best_route(swap, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert [leg.pool for leg in best.quote.route] == ["raydium:ORCA-USDC", "meteora:JUP-USDC"]
    assert best.compared[1].failure is not None


async def test_what_each_alone_is_too_small_for_both_may_do():
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


async def test_the_impact_limit_holds_for_a_divided_order():
    best = await best_route(BIG, simulated(*BOTH), deadline_ms=DEADLINE_MS)
    limit = int(best.quote.price_impact_bps)

    with pytest.raises(EngineError) as failed:
        await best_route(
            replace(BIG, max_price_impact_bps=limit), simulated(*BOTH), deadline_ms=DEADLINE_MS
        )

    assert failed.value.code is ErrorCode.PRICE_IMPACT_TOO_HIGH


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.QUOTE_FAILURE, ErrorCode.VENUE_UNAVAILABLE),
        (Fault.QUOTE_TIMEOUT, ErrorCode.VENUE_TIMEOUT),
    ],
)
async def test_a_fault_asked_for_hits_every_venue(fault, code):
    with pytest.raises(NoQuote) as failed:
        await best_route(replace(BIG, fault=fault), simulated(*BOTH), deadline_ms=50)

    assert [told.failure.code for told in failed.value.compared] == [code, code]


async def test_a_slow_venue_by_setting_is_left_out():
    faults = {"raydium": VenueFaults(extra_latency_ms=60_000)}

    best = await best_route(BIG, simulated(*BOTH, faults=faults), deadline_ms=200)

    assert {leg.venue for leg in best.quote.route} == {"meteora"}


async def test_a_quote_that_is_too_old_is_not_built():
    ledger = FixedLedger()
    venue, other = simulated(*BOTH, ledger=ledger)
    best = await best_route(BIG, [venue, other], deadline_ms=DEADLINE_MS)
    ledger.now += 10
    await venue.build(best.quote, min_amount_out=1, memo="m", nonce=1)
    ledger.now += 1

    with pytest.raises(EngineError) as refused:
        await venue.build(best.quote, min_amount_out=1, memo="m", nonce=1)

    assert refused.value.code is ErrorCode.QUOTE_EXPIRED


async def test_one_transaction_carries_all_parts_of_a_divided_order():
    (venue, other) = simulated(*BOTH)
    best = await best_route(BIG, [venue, other], deadline_ms=DEADLINE_MS)

    signed = await venue.build(best.quote, min_amount_out=7, memo="m", nonce=1)

    transaction = decode(signed.payload)
    (hop,) = transaction.hops
    assert {share.pool: share.weight for share in hop.shares} == {
        leg.pool: leg.amount_in for leg in best.quote.route
    }
    assert (transaction.amount_in, transaction.min_amount_out) == (500 * 10**9, 7)


async def test_thin_pools_on_both_venues_do_not_hide_the_way_over_a_hub():
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


async def test_too_thin_a_pool_takes_no_part_for_who_asks_for_depth():
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


async def test_dust_passes_a_limit_on_price_impact():
    swap = Swap(SOL, USDC, 100, max_price_impact_bps=0)

    best = await best_route(swap, simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert best.quote.amount_out == 14
    assert best.quote.price_impact_bps == 0


async def test_what_a_quote_costs_does_not_depend_on_the_pools_of_other_pairs():
    class NeverWalked(Pools):
        def __iter__(self):
            raise AssertionError("a quote went through every pool")

    ledger = FixedLedger()
    ledger.pools = NeverWalked(ledger.pools)

    for swap in (SWAP, BIG, Swap(ORCA, JUP, 10**7)):
        best = await best_route(
            swap, simulated(*BOTH, ledger=ledger), deadline_ms=DEADLINE_MS, leg_cost_lamports=5_000
        )
        assert best.quote.amount_out
