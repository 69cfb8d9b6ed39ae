"""Steps are what swaps do bin by bin, and an amount to a rate stops exactly at that rate."""

from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engine.amounts import MAX_ATOMS
from engine.pools import dlmm
from engine.pools.bins import DlmmParameters
from engine.pools.cpmm import RATE_UNIT, ConstantProductPool, FeeRates
from engine.pools.dlmm import Bin, DlmmPool, Volatility
from engine.pools.marginal import amount_to_rate, best_rate, dlmm_stretches, kept_parts
from engine.pools.swap import Direction, FeeToken, PoolError
from tests.engine.pools.test_properties import (
    NOW,
    Pool,
    atoms,
    constant_product_pools,
    directions,
    dlmm_pools,
    executed,
    pools,
    prop,
)
from tests.engine.pools.test_vectors import GROUPS, dlmm_pool

RECORDS = GROUPS["dlmm_onchain_program"]["pools"]
limits = st.builds(Fraction, st.integers(1, 2**70), st.integers(1, 2**70))


def marginal(pool: ConstantProductPool, direction: Direction, amount_in: int) -> Fraction:
    """Return the slope of the output, from the definition."""
    reserve_in, reserve_out = pool.reserves(direction)
    kept_in, kept_out = (Fraction(part, RATE_UNIT) for part in kept_parts(pool, direction))
    return kept_in * kept_out * reserve_in * reserve_out / (reserve_in + kept_in * amount_in) ** 2


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["name"])
def test_the_first_steps_together_are_one_swap(
    record: dict[str, int], direction: Direction
) -> None:
    pool, now = dlmm_pool(record), record["now"]

    amount_in = amount_out = 0
    for step in dlmm_stretches(pool, direction, now):
        amount_in += step.amount_in
        amount_out += step.amount_out
        result = dlmm.swap_exact_in(pool, amount_in, direction, now)

        assert result.amount_out == amount_out
        # Rounding costs up to an atom of net input, one of fee and one of output.
        assert step.amount_out <= step.amount_in * step.rate
        assert (step.amount_in - 2) * step.rate - 1 <= step.amount_out

    held = pool.amount_y + sum(b.amount for b in pool.bids)
    if direction is Direction.SELL_X and result.fee_on_input:
        assert amount_out == held


@prop
@given(dlmm_pools(), directions)
def test_any_drained_bins_are_one_swap(pool: DlmmPool, direction: Direction) -> None:
    amount_in = amount_out = 0
    for step in dlmm_stretches(pool, direction, NOW):
        amount_in += step.amount_in
        amount_out += step.amount_out
        try:
            result = dlmm.swap_exact_in(pool, amount_in, direction, NOW)
        except PoolError:  # The amounts of this strategy may leave the program's integers.
            continue

        assert result.amount_out == amount_out


def test_steps_skip_empty_bins_and_take_the_fee_of_their_distance() -> None:
    calm = Volatility(0, 0, index_reference=0, last_update_timestamp=NOW)
    bins = [Bin(0, 0, 0), Bin(-2, 0, 10**9), Bin(-5, 0, 10**9)]
    pool = DlmmPool.from_bins(DlmmParameters(10, 10_000), calm, 0, bins)

    near, far = dlmm_stretches(pool, Direction.SELL_X, NOW)

    # base 0.1 %, and 40000 * (10000 * bins * 10)^2 / 10^11 billionths on top
    kept = [Fraction(10**9 - 10**6 - 4_000 * away**2, 10**9) for away in (2, 5)]
    prices = [Fraction(1000, 1001) ** away for away in (2, 5)]
    assert [near.amount_out, far.amount_out] == [10**9, 10**9]
    assert near.rate / kept[0] / prices[0] == pytest.approx(1)
    assert far.rate / kept[1] / prices[1] == pytest.approx(1)


@prop
@given(constant_product_pools, directions, limits)
@example(ConstantProductPool(10, 10), Direction.SELL_X, Fraction(1, 10**60))
def test_a_constant_product_pool_trades_up_to_the_limit_and_no_atom_beyond(
    pool: ConstantProductPool, direction: Direction, limit: Fraction
) -> None:
    amount_in = amount_to_rate(pool, direction, limit, NOW)

    full = amount_in == MAX_ATOMS - pool.reserves(direction)[0]
    assert amount_in == 0 or marginal(pool, direction, amount_in) >= limit
    assert full or marginal(pool, direction, amount_in + 1) < limit


@prop
@given(dlmm_pools(), directions, limits, st.integers(0, 13))
def test_a_dlmm_pool_trades_whole_bins_up_to_the_limit(
    pool: DlmmPool, direction: Direction, limit: Fraction, at: int
) -> None:
    steps = list(dlmm_stretches(pool, direction, NOW))
    if at < len(steps):
        limit = steps[at].rate
    assume(sum(step.amount_in for step in steps) <= MAX_ATOMS)

    amount_in = amount_to_rate(pool, direction, limit, NOW)

    taken = 0
    while amount_in:
        assert steps[taken].rate >= limit
        amount_in -= steps[taken].amount_in
        taken += 1
    assert amount_in == 0
    assert taken == len(steps) or steps[taken].rate < limit


@pytest.mark.parametrize("creator_fee_on", FeeToken)
@pytest.mark.parametrize("direction", Direction)
def test_fees_in_the_marginal_rate_are_those_of_the_swap(
    creator_fee_on: FeeToken, direction: Direction
) -> None:
    fees = FeeRates(2_500, creator_fee_rate=10_000, creator_fee_on=creator_fee_on)
    pool = ConstantProductPool(10**15, 10**15, fees)

    on_input = creator_fee_on.is_input(direction)
    kept = Fraction(9_875, 10_000) if on_input else Fraction(9_975 * 99, 10_000 * 100)
    assert marginal(pool, direction, 0) == kept
    assert amount_to_rate(pool, direction, kept, NOW) == 0
    assert amount_to_rate(pool, direction, kept / 4, NOW) == pytest.approx(10**15 / 0.99, rel=0.02)


def test_a_pool_already_worse_than_the_limit_takes_nothing() -> None:
    record = next(r for r in RECORDS if r["name"] == "sol_usdc_bs10_calm")
    now, pool = record["now"], dlmm_pool(record)

    dear = Fraction(150, 1000)

    assert amount_to_rate(pool, Direction.SELL_X, dear, now) == 0
    assert amount_to_rate(pool, Direction.SELL_X, Fraction(1498, 10_000), now) > 0


@prop
@given(pools, atoms, directions)
def test_no_swap_beats_the_best_rate(pool: Pool, amount_in: int, direction: Direction) -> None:
    assert executed(pool, amount_in, direction).amount_out <= amount_in * best_rate(pool, direction)
