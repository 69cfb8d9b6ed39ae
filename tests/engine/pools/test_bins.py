from dataclasses import replace
from typing import Any

import pytest

from engine.pools.bins import MAX_BIN_ID, MAX_FEE_RATE, ONE, DlmmParameters, bin_price, fee_rate
from engine.pools.dlmm import Bin, DlmmPool, Volatility, swap_exact_in
from engine.pools.swap import AmountOutOfRange, Direction, FeeToken, InvalidPool

NOW = 1_700_000_000
STEP_10 = DlmmParameters(bin_step=10, base_factor=10_000)
BUSY = Volatility(60_000, 10_000, index_reference=-2, last_update_timestamp=NOW)


def after_selling_x(amount: int, volatility: Volatility, now: int) -> Volatility:
    pool = DlmmPool.from_bins(
        STEP_10, volatility, 0, [Bin(-1, 0, 1_000), Bin(0, 500, 500), Bin(1, 1_000, 0)]
    )
    return swap_exact_in(pool, amount, Direction.SELL_X, now).pool.volatility


@pytest.mark.parametrize(
    "wrong",
    [
        {"bin_step": 0},
        {"bin_step": 10_001},
        {"base_factor": -1},
        {"protocol_share": 10_001},
        {"collect_fee_mode": FeeToken.X},
    ],
)
def test_parameters_no_program_would_hold_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidPool):
        replace(STEP_10, **wrong)


def test_bin_zero_has_price_one() -> None:
    assert bin_price(10, 0) == ONE


@pytest.mark.parametrize(
    ("bin_step", "bin_id"), [(1, MAX_BIN_ID + 1), (1, -MAX_BIN_ID - 1), (400, MAX_BIN_ID)]
)
def test_a_price_outside_of_the_programs_range_is_refused(bin_step: int, bin_id: int) -> None:
    with pytest.raises(AmountOutOfRange) as refused:
        bin_price(bin_step, bin_id)

    assert refused.value.context["bin_id"] == bin_id


def test_fee_rate_adds_the_variable_fee_rounded_up() -> None:
    # 40000 * (10000 * 10)^2 / 10^11 = 4000, and one unit of volatility less makes 3999.2.
    assert fee_rate(STEP_10, 0) == 1_000_000
    assert fee_rate(STEP_10, 10_000) == 1_004_000
    assert fee_rate(STEP_10, 9_999) == 1_004_000


def test_base_fee_power_factor_multiplies_by_tens() -> None:
    assert fee_rate(replace(STEP_10, base_fee_power_factor=1), 0) == 10_000_000


def test_fee_rate_ends_at_ten_per_cent() -> None:
    assert fee_rate(DlmmParameters(bin_step=400, base_factor=60_000), 0) == MAX_FEE_RATE


def test_within_the_filter_period_the_references_stay() -> None:
    # Bin 0 is two bins from the reference: 10000 + 2 * 10000.
    assert after_selling_x(100, BUSY, NOW + 29) == Volatility(30_000, 10_000, -2, NOW)


def test_within_the_decay_period_the_reference_is_reduced() -> None:
    assert after_selling_x(100, BUSY, NOW + 30) == Volatility(30_000, 30_000, 0, NOW)
    assert after_selling_x(100, BUSY, NOW + 599) == Volatility(30_000, 30_000, 0, NOW)


def test_after_the_decay_period_the_volatility_is_forgotten() -> None:
    assert after_selling_x(100, BUSY, NOW + 600) == Volatility(0, 0, 0, NOW)


def test_only_a_change_of_the_active_bin_stamps_the_time() -> None:
    assert after_selling_x(1_000, BUSY, NOW + 600) == Volatility(10_000, 0, 0, NOW + 600)


def test_the_accumulator_ends_at_its_maximum() -> None:
    far = Volatility(0, 0, index_reference=-100, last_update_timestamp=NOW)

    assert after_selling_x(100, far, NOW).volatility_accumulator == 350_000


def test_a_clock_set_back_counts_as_no_time_passed() -> None:
    assert after_selling_x(100, BUSY, NOW - 10_000) == after_selling_x(100, BUSY, NOW)
