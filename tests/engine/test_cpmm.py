"""Constant-product swaps."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.cpmm import ConstantProductPool, swap_exact_in
from engine.errors import EngineError, ErrorCode

reserves = st.integers(min_value=1_000, max_value=2**62)
pools = st.builds(
    ConstantProductPool,
    reserve_in=reserves,
    reserve_out=reserves,
    trade_fee_rate=st.sampled_from([0, 100, 1_000, 2_500, 10_000]),
)
amounts = st.integers(min_value=1, max_value=2**61)


def swap_or_nothing(pool, amount):
    try:
        return swap_exact_in(pool, amount)
    except EngineError as error:
        assume(error.code is not ErrorCode.ZERO_OUTPUT)
        raise


def test_the_published_example_comes_out_to_the_atom():
    pool = ConstantProductPool(50_000 * 10**9, 7_500_000 * 10**6, trade_fee_rate=2_500)

    filled = swap_exact_in(pool, 10**9)

    assert (filled.amount_out, filled.fee) == (149_622_015, 2_500_000)


@given(pools, amounts)
def test_the_product_never_falls(pool, amount):
    filled = swap_or_nothing(pool, amount)

    after = (pool.reserve_in + amount - filled.fee) * (pool.reserve_out - filled.amount_out)
    assert after >= pool.reserve_in * pool.reserve_out


@given(pools, amounts, amounts)
def test_more_in_is_never_less_out(pool, amount, more):
    smaller = swap_or_nothing(pool, amount)

    assert swap_or_nothing(pool, amount + more).amount_out >= smaller.amount_out


@given(pools, amounts)
def test_impact_is_between_nothing_and_all(pool, amount):
    assert 0 <= swap_or_nothing(pool, amount).price_impact_bps <= 10_000


def test_impact_leaves_the_fee_out():
    deep = ConstantProductPool(10**18, 10**18, trade_fee_rate=10_000)

    assert swap_exact_in(deep, 10**9).price_impact_bps == Decimal("0.00")


def test_an_output_that_rounds_to_nothing_is_an_error():
    with pytest.raises(EngineError) as failed:
        swap_exact_in(ConstantProductPool(10**12, 10**3, 2_500), 10)

    assert failed.value.code is ErrorCode.ZERO_OUTPUT


def test_a_reserve_never_outgrows_a_u64():
    with pytest.raises(EngineError) as failed:
        swap_exact_in(ConstantProductPool(2**64 - 10, 10**9, 0), 10)

    assert failed.value.code is ErrorCode.AMOUNT_OUT_OF_RANGE
