"""The price impact of a path: of the trade alone, without fees and rounding."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import in_bps
from engine.pools.book import PoolBook
from engine.pools.cpmm import ConstantProductPool, FeeRates
from engine.pools.dlmm import DlmmPool
from engine.pools.listed import ListedPool
from engine.tokens import JUP, ORCA, SOL, USDC
from tests.engine.swaps.books import BOOK, RAYDIUM, path, pool_of


@given(st.integers(min_value=10**6, max_value=2**62), st.integers(min_value=1, max_value=100))
def test_impact_grows_from_nothing_to_all(reserve: int, parts: int) -> None:
    found = path(reserve // parts, book=pool_of(reserve, 2**62))

    assert 0 <= found.price_impact_bps <= 10_000


def test_a_fee_is_not_impact() -> None:
    assert path(10**9, book=pool_of(10**18, 10**18, fees=2_500)).price_impact_bps == Decimal("0.00")


def test_half_the_pool_moves_the_price_by_a_third() -> None:
    # 33 for 50; the third of an atom that rounding took is no impact.
    assert path(50, book=pool_of(100, 100)).price_impact_bps == Decimal("3333.33")


@pytest.mark.parametrize("venue", ["raydium", "meteora"])
@pytest.mark.parametrize("amount_in", [100, 1_000, 12_345, 10**6])
def test_rounding_to_atoms_is_not_impact(venue: str, amount_in: int) -> None:
    for paid, bought in ((SOL, USDC), (USDC, SOL)):
        found = path(amount_in, paid, bought, BOOK.of([venue]))

        assert found.price_impact_bps == Decimal("0.00")


def test_within_one_bin_nothing_moves_and_across_bins_it_is_their_mean() -> None:
    bins = BOOK.of(["meteora"])

    assert path(9 * 10**9, book=bins).price_impact_bps == 0
    assert path(9 * 150 * 10**6, USDC, SOL, bins).price_impact_bps == 0
    # Half a bin of 10 bps at the spot price, the next whole one a step below.
    pool = bins.between(SOL, USDC)[0].state
    assert isinstance(pool, DlmmPool)
    step = pool.bids[-1].amount
    two = pool.amount_y + step
    assert path(29_950 * 10**6, USDC, SOL, bins).price_impact_bps > 0
    found = path(two * 10**3 // 150, book=bins)
    assert found.price_impact_bps == pytest.approx(Decimal(10 * step) / two, abs=Decimal("0.05"))


def test_the_creators_fee_is_not_impact_either() -> None:
    state = ConstantProductPool(10**18, 10**18, FeeRates(2_500, creator_fee_rate=10_000))
    book = PoolBook("test", 1, {"one": ListedPool("one", "venue", SOL, USDC, state)})

    assert path(10**9, book=book).price_impact_bps == Decimal("0.00")


def test_the_fee_of_a_later_hop_is_told_in_the_token_paid() -> None:
    found = path(10**9, ORCA, JUP, RAYDIUM)
    first, second = found.route

    assert found.fee == first.fee + int(second.fee * Fraction(first.amount_in, first.amount_out))


def test_the_impact_of_two_hops_is_that_of_both() -> None:
    found = path(10**12, ORCA, JUP, RAYDIUM)
    kept = Fraction(1)
    for hop in found.hops:
        kept *= hop.kept_of_spot

    assert found.price_impact_bps == in_bps(1 - kept)
    assert found.hops[0].kept_of_spot < 1
    assert found.hops[1].kept_of_spot < 1
