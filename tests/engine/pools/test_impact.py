"""Price impact, fees left out."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from engine.pools.cpmm import ConstantProductPool, swap_exact_in
from engine.pools.impact import price_impact_bps
from engine.pools.swap import Direction

reserves = st.integers(min_value=10**6, max_value=2**62)


def impact_of(pool, amount):
    filled = swap_exact_in(pool, amount, Direction.SELL_X)
    spot = Fraction(pool.reserve_y, pool.reserve_x)
    return price_impact_bps(filled.amount_in - filled.fee, filled.amount_out, spot)


@given(reserves, st.integers(min_value=1, max_value=100))
def test_impact_grows_from_nothing_to_all(reserve, parts):
    pool = ConstantProductPool(reserve, 2**62)

    assert 0 <= impact_of(pool, reserve // parts) <= 10_000


def test_the_fee_is_not_impact():
    assert impact_of(ConstantProductPool(10**18, 10**18), 10**9) == Decimal("0.00")


def test_half_the_pool_moves_the_price_by_a_third():
    assert price_impact_bps(50, 33, Fraction(1)) == Decimal("3400.00")
