"""Paths: direct or over a hub, on one pool or several, whatever gives the most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.pools.cpmm import ConstantProductPool
from engine.pools.listed import ListedPool
from engine.swaps.paths import best_path, leg_cost, pools_on_the_way, ways
from engine.swaps.swap import Swap
from engine.tokens import BONK, HNT, JUP, MSOL, ORCA, PENGU, SOL, USDC, WIF, Token
from tests.engine.swaps.books import BOOK, RAYDIUM, path, pool_of, thin


def test_a_pair_with_a_pool_of_its_own_goes_directly() -> None:
    assert ways(SOL, USDC, BOOK) == [(USDC,)]
    assert len(path(10**9).hops) == 1


def test_a_pair_without_one_goes_over_the_hub_both_have_pools_with() -> None:
    assert ways(ORCA, JUP, BOOK) == [(USDC, JUP)]
    assert ways(BONK, JUP, BOOK) == [(SOL, JUP), (USDC, JUP)]

    found = path(10**9, ORCA, JUP, RAYDIUM)

    assert [(leg.token_in, leg.token_out) for leg in found.route] == [
        (ORCA.mint, USDC.mint),
        (USDC.mint, JUP.mint),
    ]
    assert found.route[0].amount_out == found.route[1].amount_in
    assert [leg.share_bps for leg in found.route] == [10_000, 10_000]


def test_of_two_hubs_the_better_one_is_taken() -> None:
    found = path(10**15, BONK, JUP, RAYDIUM)
    by_hub = {
        hub: path(path(10**15, BONK, hub, RAYDIUM).amount_out, hub, JUP, RAYDIUM).amount_out
        for hub in (SOL, USDC)
    }

    assert found.amount_out == max(by_hub.values())


def test_where_pools_lead_nowhere_there_is_no_route() -> None:
    with pytest.raises(EngineError) as refused:
        path(10**9, HNT, USDC, PoolBook("devnet", 1, {}))

    assert refused.value.code is ErrorCode.NO_ROUTE


def test_what_no_pool_can_do_is_told_as_the_pool_tells_it() -> None:
    with pytest.raises(EngineError) as refused:
        path(1, SOL, USDC)

    assert refused.value.code is ErrorCode.ZERO_OUTPUT


def test_a_small_order_takes_one_pool_and_a_big_one_several() -> None:
    assert len(path(10**8).route) == 1

    big = path(500 * 10**9)

    assert {leg.venue for leg in big.route} == {"raydium", "meteora"}
    assert sum(leg.amount_in for leg in big.route) == 500 * 10**9
    assert sum(leg.share_bps for leg in big.route) == 10_000


def test_a_split_is_kept_only_where_it_pays_for_its_leg() -> None:
    gain = path(500 * 10**9).amount_out - path(500 * 10**9, allow_split=False).amount_out
    # At 150 USDC for a SOL, a leg of `lamports` costs 0.15 micro-USDC a lamport.
    break_even = gain * 1_000 // 150

    assert len(path(500 * 10**9, leg_cost_lamports=break_even * 9 // 10).route) == 2
    assert len(path(500 * 10**9, leg_cost_lamports=break_even * 11 // 10).route) == 1


def test_the_cost_of_a_leg_is_valued_in_the_token_bought() -> None:
    assert leg_cost(SOL, BOOK, 10**9) == 10**9
    assert leg_cost(MSOL, BOOK, 10**9) == pytest.approx(10**9 / 1.3, rel=1e-3)
    assert leg_cost(USDC, BOOK, 10**9) == pytest.approx(150 * 10**6, rel=2e-3)
    assert leg_cost(ORCA, BOOK, 10**9) == pytest.approx(150 / 1.3 * 10**6, rel=2e-3)
    assert leg_cost(ORCA, pool_of(1, 1), 10**9) == 0


def test_every_pool_a_swap_might_use_is_on_its_way() -> None:
    assert pools_on_the_way(SOL, USDC, BOOK) == {"raydium:SOL-USDC", "meteora:SOL-USDC"}
    assert pools_on_the_way(PENGU, ORCA, BOOK) == frozenset()
    assert pools_on_the_way(ORCA, JUP, BOOK) == {
        "raydium:ORCA-USDC",
        "raydium:JUP-USDC",
        "meteora:JUP-USDC",
    }


@pytest.mark.parametrize("venues", [["raydium"], ["meteora"], ["raydium", "meteora"]])
def test_a_thin_pool_does_not_hide_the_way_over_a_hub(venues: list[str]) -> None:
    book = thin("20", "10")

    found = path(1_000 * 10**6, WIF, USDC, book.of(venues))

    assert [hop.fills[0].pool.tokens for hop in found.hops] == [{WIF, SOL}, {SOL, USDC}]
    assert found.amount_out > 490 * 10**6


def test_ten_thousand_wif_get_what_the_deep_pools_give() -> None:
    found = path(10_000 * 10**6, WIF, USDC, thin("20", "10"))

    assert found.amount_out == path(10_000 * 10**6, WIF, USDC, BOOK).amount_out == 4_962_652_922


def test_a_thin_pool_is_taken_where_it_is_the_best() -> None:
    dear = path(10**5, WIF, USDC, thin("20", "20"))

    assert len(dear.hops) == 1
    assert dear.amount_out > 96_000


def test_the_way_over_a_hub_pays_for_its_legs_too() -> None:
    book = thin("2000000", "1000000", venues=["raydium"])
    over, direct = path(10**6, WIF, USDC, BOOK), path(10**6, WIF, USDC, book)
    assert (len(over.hops), len(direct.hops)) == (2, 1)

    # The direct pool is made so little worse that one leg more costs more than it brings.
    worse = thin("2000000", "995300", venues=["raydium"])
    gain = over.amount_out - path(10**6, WIF, USDC, worse, leg_cost_lamports=10**9).amount_out
    assert gain > 0
    assert len(path(10**6, WIF, USDC, worse, leg_cost_lamports=0).hops) == 2
    assert len(path(10**6, WIF, USDC, worse, leg_cost_lamports=gain * 20_000 // 3).hops) == 1


def test_a_third_pool_that_is_not_worth_its_leg_leaves_the_other_two() -> None:
    pools = {
        id: ListedPool(id, "venue", SOL, USDC, ConstantProductPool(x * 10**9, x * 150 * 10**6))
        for id, x in (("a", 10_000), ("b", 10_000), ("c", 1))
    }
    book = PoolBook("test", 1, pools)

    assert len(path(500 * 10**9, book=book, leg_cost_lamports=0).route) == 3
    assert [leg.pool for leg in path(500 * 10**9, book=book, leg_cost_lamports=10**8).route] == [
        "a",
        "b",
    ]


def test_every_way_is_watched() -> None:
    assert pools_on_the_way(WIF, USDC, thin("20", "10")) == {
        *("raydium:WIF-USDC", "meteora:WIF-USDC", "raydium:WIF-SOL", "meteora:WIF-SOL"),
        *("raydium:SOL-USDC", "meteora:SOL-USDC"),
    }


def test_a_thin_pool_does_not_say_what_a_leg_costs() -> None:
    told = thin("1", "10", quote=SOL, base=ORCA)

    assert leg_cost(ORCA, told, 10**6) == leg_cost(ORCA, BOOK, 10**6) > 0


amounts = st.integers(1, 45).flatmap(lambda bits: st.integers(2 ** (bits - 1), 2**bits))


@given(amounts, st.sampled_from([(SOL, USDC), (USDC, SOL), (BONK, JUP), (WIF, USDC)]))
def test_no_way_is_left_out_that_would_give_more(amount_in: int, pair: tuple[Token, Token]) -> None:
    book = thin("200000", "100000")
    outputs = []
    for way in ways(*pair, book):
        amount, paid = amount_in, pair[0]
        for bought in way:  # one hop at a time, as if there were no other way
            only = PoolBook("test", 1, {pool.id: pool for pool in book.between(paid, bought)})
            try:
                hop = best_path(Swap(paid, bought, amount), only, allow_split=True)
            except EngineError:
                break
            amount, paid = hop.amount_out, bought
        else:
            outputs.append(amount)

    try:
        found = best_path(Swap(*pair, amount_in), book, allow_split=True).amount_out
    except EngineError:
        found = None

    assert found == max(outputs, default=None)
