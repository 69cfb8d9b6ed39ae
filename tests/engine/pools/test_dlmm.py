from dataclasses import replace

import pytest

from engine.amounts import MAX_ATOMS
from engine.pools.bins import MAX_BIN_ID, DlmmParameters, bin_price
from engine.pools.dlmm import Bin, DlmmPool, Volatility, swap_exact_in
from engine.pools.swap import (
    AmountOutOfRange,
    Direction,
    FeeToken,
    InsufficientLiquidity,
    InvalidPool,
    ZeroOutput,
)

NOW = 1_700_000_000
STEP_10 = DlmmParameters(bin_step=10, base_factor=10_000)
NO_FEE = DlmmParameters(bin_step=10, base_factor=0, variable_fee_control=0)
CALM = Volatility(0, 0, index_reference=0, last_update_timestamp=NOW)
# 1000 atoms of Y in each of three bins below, 1000 of X in each of three above, both in bin 0.
BINS = (
    *(Bin(bin_id, 0, 1_000) for bin_id in (-3, -2, -1)),
    Bin(0, 500, 500),
    *(Bin(bin_id, 1_000, 0) for bin_id in (1, 2, 3)),
)


def make_pool(
    bins: tuple[Bin, ...] = BINS,
    parameters: DlmmParameters = NO_FEE,
    volatility: Volatility = CALM,
    active_id: int = 0,
) -> DlmmPool:
    return DlmmPool.from_bins(parameters, volatility, active_id, bins)


def test_bins_come_back_as_given() -> None:
    assert make_pool().bins == BINS
    assert make_pool(BINS[::-1]) == make_pool()


def test_empty_bins_are_left_out_and_a_missing_active_bin_is_empty() -> None:
    pool = make_pool((Bin(-2, 0, 7), Bin(-1, 0, 0), Bin(2, 0, 0), Bin(3, 8, 0)))

    assert pool.bins == (Bin(-2, 0, 7), Bin(0, 0, 0), Bin(3, 8, 0))


@pytest.mark.parametrize(
    "wrong",
    [
        (Bin(-1, 1, 0),),
        (Bin(1, 0, 1),),
        (Bin(0, -1, 0),),
        (Bin(0, MAX_ATOMS + 1, 0),),
        (Bin(1, 1, 0), Bin(1, 2, 0)),
        (Bin(MAX_BIN_ID + 1, 1, 0),),
    ],
)
def test_bins_no_program_would_hold_are_refused(wrong: tuple[Bin, ...]) -> None:
    with pytest.raises(InvalidPool):
        make_pool(wrong)


def test_a_swap_inside_the_active_bin_shares_all_other_bins() -> None:
    pool = make_pool()

    result = swap_exact_in(pool, 400, Direction.SELL_X, NOW)

    assert (result.amount_in, result.amount_out) == (400, 400)
    assert result.pool.bins == (*BINS[:3], Bin(0, 900, 100), *BINS[4:])
    assert result.pool.bids is pool.bids
    assert result.pool.asks is pool.asks


def test_draining_the_active_bin_exactly_leaves_it_active() -> None:
    drained = swap_exact_in(make_pool(), 500, Direction.SELL_X, NOW)
    onward = swap_exact_in(drained.pool, 10, Direction.SELL_X, NOW)
    back = swap_exact_in(drained.pool, 10, Direction.SELL_Y, NOW)

    assert (drained.pool.active_id, drained.pool.amount_x, drained.pool.amount_y) == (0, 1_000, 0)
    assert (onward.pool.active_id, onward.amount_out) == (-1, 9)
    assert onward.pool.bins[2:4] == (Bin(-1, 10, 991), Bin(0, 1_000, 0))
    assert (back.pool.active_id, back.amount_out) == (0, 10)


def test_crossed_bins_hold_what_was_paid_and_trade_back() -> None:
    down = swap_exact_in(make_pool(), 2_000, Direction.SELL_X, NOW)
    up = swap_exact_in(down.pool, 2_000, Direction.SELL_Y, NOW)

    assert down.pool.bins == (
        Bin(-3, 0, 1_000),
        Bin(-2, 499, 502),
        Bin(-1, 1_001, 0),
        Bin(0, 1_000, 0),
        *BINS[4:],
    )
    assert down.amount_out == 500 + 1_000 + 498
    assert up.amount_out == 499 + 1_001 + 500
    assert up.pool.bins == (
        Bin(-3, 0, 1_000),
        Bin(-2, 0, 502 + 499),
        Bin(-1, 0, 1_001),
        Bin(0, 500, 500),
        *BINS[4:],
    )


def test_empty_bins_are_skipped_however_many() -> None:
    pool = make_pool((Bin(0, 0, 5), Bin(-400, 0, 1_000)))

    result = swap_exact_in(pool, 100, Direction.SELL_X, NOW)

    assert result.pool.active_id == -400
    assert result.amount_out == 5 + (95 * bin_price(10, -400) >> 64)


def test_an_active_bin_left_empty_of_both_tokens_is_forgotten() -> None:
    pool = make_pool((Bin(-1, 0, 1_000),))

    result = swap_exact_in(pool, 10, Direction.SELL_X, NOW)

    assert result.pool.bins == (Bin(-1, 10, 991),)


@pytest.mark.parametrize("direction", Direction)
def test_all_bins_can_be_bought_and_one_atom_more_is_an_error(direction: Direction) -> None:
    whole = 500 + 1_001 + 1_003 + 1_004

    result = swap_exact_in(make_pool(), whole, direction, NOW)
    with pytest.raises(InsufficientLiquidity) as refused:
        swap_exact_in(make_pool(), whole + 1, direction, NOW)

    assert (result.amount_in, result.amount_out) == (whole, 3_500)
    assert refused.value.context == {"amount_in": whole, "amount_out": 3_500, "left": 1}


def test_an_exact_input_that_just_drains_a_bin_leaves_it_an_atom_of_rounding() -> None:
    # Bin 100 takes 1 % and bin 99, at the index reference, nothing. Draining bin 100 costs 100
    # atoms, but of 101 sold its rounded fee takes 2, so none is left to buy the last atom.
    parameters = DlmmParameters(100, base_factor=0, variable_fee_control=1_000_000)
    volatility = Volatility(0, 0, index_reference=99, last_update_timestamp=NOW)
    pool = make_pool((Bin(99, 0, 1_000), Bin(100, 0, 267)), parameters, volatility, 100)

    sold = swap_exact_in(pool, 101, Direction.SELL_X, NOW)

    assert (sold.amount_out, sold.fee, sold.pool.active_id) == (267, 2, 100)


def test_an_amount_that_buys_nothing_is_refused() -> None:
    with pytest.raises(ZeroOutput) as refused:
        swap_exact_in(make_pool(parameters=STEP_10), 1, Direction.SELL_X, NOW)

    assert refused.value.context == {"amount_in": 1, "amount_out": 0, "fee": 1}


@pytest.mark.parametrize("amount", [0, -1, MAX_ATOMS + 1])
def test_an_amount_outside_of_u64_is_refused(amount: int) -> None:
    with pytest.raises(AmountOutOfRange):
        swap_exact_in(make_pool(), amount, Direction.SELL_X, NOW)


def test_a_bin_above_u64_is_refused() -> None:
    pool = make_pool((Bin(0, MAX_ATOMS - 5, 100),))

    with pytest.raises(AmountOutOfRange) as refused:
        swap_exact_in(pool, 6, Direction.SELL_X, NOW)

    assert refused.value.context == {"bin_id": 0, "amount": MAX_ATOMS + 1}


def test_an_output_above_u64_in_all_is_refused() -> None:
    # At about 2 Y atoms per X atom, u64 X atoms drain more than one bin that is full of Y.
    bins = tuple(Bin(bin_id, 0, MAX_ATOMS) for bin_id in (698, 699, 700))
    pool = make_pool(bins, active_id=700)

    with pytest.raises(AmountOutOfRange) as refused:
        swap_exact_in(pool, MAX_ATOMS, Direction.SELL_X, NOW)

    assert list(refused.value.context) == ["amount_out"]


def test_fee_only_in_y_is_on_the_output_when_x_is_sold() -> None:
    parameters = replace(STEP_10, base_factor=50_000, collect_fee_mode=FeeToken.Y)
    pool = make_pool((Bin(0, 10**6, 10**6),), parameters)

    selling_x = swap_exact_in(pool, 100_000, Direction.SELL_X, NOW)
    selling_y = swap_exact_in(pool, 100_000, Direction.SELL_Y, NOW)

    assert not selling_x.fee_on_input
    assert selling_x.amount_out == selling_x.amount_in - selling_x.fee
    assert selling_x.pool.amount_x == 10**6 + selling_x.amount_in
    assert selling_x.pool.amount_y == 10**6 - selling_x.amount_out - selling_x.fee
    assert selling_y.fee_on_input
    assert selling_y.pool.amount_y == 10**6 + selling_y.amount_in - selling_y.fee
    assert selling_y.pool.amount_x == 10**6 - selling_y.amount_out
    assert selling_x.fee == selling_y.fee


def test_protocol_share_is_rounded_down_in_each_bin() -> None:
    parameters = replace(STEP_10, protocol_share=9_999)
    bins = (Bin(0, 0, 500), Bin(-1, 0, 500))

    result = swap_exact_in(make_pool(bins, parameters), 900, Direction.SELL_X, NOW)

    assert (result.fee, result.protocol_fee) == (2, 0)
