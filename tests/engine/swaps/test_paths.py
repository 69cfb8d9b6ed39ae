"""Paths: direct or over a hub, on one pool or several, at the price impact of the trade alone."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import in_bps
from engine.devnet.genesis import genesis_pools
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.pools.cpmm import ConstantProductPool, FeeRates
from engine.pools.listed import ListedPool
from engine.swaps.paths import best_path, leg_cost, pools_on_the_way, ways
from engine.swaps.swap import Swap
from engine.tokens import BONK, HNT, JUP, MSOL, ORCA, PENGU, SOL, USDC

BOOK = PoolBook("devnet", 1, {pool.id: pool for pool in genesis_pools()})
RAYDIUM = BOOK.of(["raydium"])
LAMPORTS = 5_000


def path(amount_in, paid=SOL, bought=USDC, book=BOOK, **given):
    return best_path(
        Swap(paid, bought, amount_in),
        book,
        **{"allow_split": True, "leg_cost_lamports": LAMPORTS} | given,
    )


def pool_of(x, y, fees=0, id="one"):
    state = ConstantProductPool(x, y, FeeRates(fees))
    return PoolBook("test", 1, {id: ListedPool(id, "venue", SOL, USDC, state)})


def test_a_pair_with_a_pool_of_its_own_goes_directly():
    assert ways(SOL, USDC, BOOK) == [(USDC,)]
    assert len(path(10**9).hops) == 1


def test_a_pair_without_one_goes_over_the_hub_both_have_pools_with():
    assert ways(ORCA, JUP, BOOK) == [(USDC, JUP)]
    assert ways(BONK, JUP, BOOK) == [(SOL, JUP), (USDC, JUP)]

    found = path(10**9, ORCA, JUP, RAYDIUM)

    assert [(leg.token_in, leg.token_out) for leg in found.route] == [
        (ORCA.mint, USDC.mint),
        (USDC.mint, JUP.mint),
    ]
    assert found.route[0].amount_out == found.route[1].amount_in
    assert [leg.share_bps for leg in found.route] == [10_000, 10_000]


def test_of_two_hubs_the_better_one_is_taken():
    found = path(10**15, BONK, JUP, RAYDIUM)
    by_hub = {
        hub: path(path(10**15, BONK, hub, RAYDIUM).amount_out, hub, JUP, RAYDIUM).amount_out
        for hub in (SOL, USDC)
    }

    assert found.amount_out == max(by_hub.values())


def test_where_pools_lead_nowhere_there_is_no_route():
    with pytest.raises(EngineError) as refused:
        path(10**9, HNT, USDC, PoolBook("devnet", 1, {}))

    assert refused.value.code is ErrorCode.NO_ROUTE


def test_what_no_pool_can_do_is_told_as_the_pool_tells_it():
    with pytest.raises(EngineError) as refused:
        path(1, SOL, USDC)

    assert refused.value.code is ErrorCode.ZERO_OUTPUT


def test_a_small_order_takes_one_pool_and_a_big_one_several():
    assert len(path(10**8).route) == 1

    big = path(500 * 10**9)

    assert {leg.venue for leg in big.route} == {"raydium", "meteora"}
    assert sum(leg.amount_in for leg in big.route) == 500 * 10**9
    assert sum(leg.share_bps for leg in big.route) == 10_000


def test_a_split_is_kept_only_where_it_pays_for_its_leg():
    gain = path(500 * 10**9).amount_out - path(500 * 10**9, allow_split=False).amount_out
    # At 150 USDC for a SOL, a leg of `lamports` costs 0.15 micro-USDC a lamport.
    break_even = gain * 1_000 // 150

    assert len(path(500 * 10**9, leg_cost_lamports=break_even * 9 // 10).route) == 2
    assert len(path(500 * 10**9, leg_cost_lamports=break_even * 11 // 10).route) == 1


def test_the_cost_of_a_leg_is_valued_in_the_token_bought():
    assert leg_cost(SOL, BOOK, 10**9) == 10**9
    assert leg_cost(MSOL, BOOK, 10**9) == pytest.approx(10**9 / 1.3, rel=1e-3)
    assert leg_cost(USDC, BOOK, 10**9) == pytest.approx(150 * 10**6, rel=2e-3)
    assert leg_cost(ORCA, BOOK, 10**9) == pytest.approx(150 / 1.3 * 10**6, rel=2e-3)
    assert leg_cost(ORCA, pool_of(1, 1), 10**9) == 0


def test_every_pool_a_swap_might_use_is_on_its_way():
    assert pools_on_the_way(SOL, USDC, BOOK) == {"raydium:SOL-USDC", "meteora:SOL-USDC"}
    assert pools_on_the_way(PENGU, ORCA, BOOK) == frozenset()
    assert pools_on_the_way(ORCA, JUP, BOOK) == {
        "raydium:ORCA-USDC",
        "raydium:JUP-USDC",
        "meteora:JUP-USDC",
    }


@given(st.integers(min_value=10**6, max_value=2**62), st.integers(min_value=1, max_value=100))
def test_impact_grows_from_nothing_to_all(reserve, parts):
    found = path(reserve // parts, book=pool_of(reserve, 2**62))

    assert 0 <= found.price_impact_bps <= 10_000


def test_a_fee_is_not_impact():
    assert path(10**9, book=pool_of(10**18, 10**18, fees=2_500)).price_impact_bps == Decimal("0.00")


def test_half_the_pool_moves_the_price_by_a_third():
    assert path(50, book=pool_of(100, 100)).price_impact_bps == Decimal("3400.00")  # 33 for 50


def test_the_fee_of_a_later_hop_is_told_in_the_token_paid():
    found = path(10**9, ORCA, JUP, RAYDIUM)
    first, second = found.route

    assert found.fee == first.fee + int(second.fee * Fraction(first.amount_in, first.amount_out))


def test_the_impact_of_two_hops_is_that_of_both():
    found = path(10**12, ORCA, JUP, RAYDIUM)
    kept = Fraction(1)
    for hop in found.hops:
        kept *= hop.kept_of_spot

    assert found.price_impact_bps == in_bps(1 - kept)
    assert found.hops[0].kept_of_spot < 1
    assert found.hops[1].kept_of_spot < 1
