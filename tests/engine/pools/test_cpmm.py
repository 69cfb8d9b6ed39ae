import pytest

from engine.amounts import MAX_ATOMS
from engine.pools.cpmm import (
    ConstantProductPool,
    FeeRates,
    swap_exact_in,
)
from engine.pools.swap import (
    AmountOutOfRange,
    Direction,
    FeeToken,
    InvalidPool,
    SwapResult,
    ZeroOutput,
)

SOL = 10**9
USDC = 10**6
SOL_USDC = ConstantProductPool(50_000 * SOL, 7_500_000 * USDC)


def test_one_sol_sold_is_the_example_of_the_sources() -> None:
    result = swap_exact_in(SOL_USDC, SOL, Direction.SELL_X)

    assert result == SwapResult(
        amount_in=SOL,
        amount_out=149_622_015,
        fee=2_500_000,
        fee_on_input=True,
        protocol_fee=300_000,
        fund_fee=100_000,
        creator_fee=0,
        pool=ConstantProductPool(50_000 * SOL + SOL - 400_000, 7_500_000 * USDC - 149_622_015),
    )


def test_selling_y_sees_the_reserves_the_other_way_round() -> None:
    mirrored = ConstantProductPool(SOL_USDC.reserve_y, SOL_USDC.reserve_x)

    result = swap_exact_in(SOL_USDC, SOL, Direction.SELL_Y)
    mirror = swap_exact_in(mirrored, SOL, Direction.SELL_X)

    assert (result.amount_out, result.fee) == (mirror.amount_out, mirror.fee)
    assert result.pool.reserve_x == mirror.pool.reserve_y
    assert result.pool.reserve_y == mirror.pool.reserve_x


def test_a_swap_leaves_the_pool_before_it_as_it_was() -> None:
    before = ConstantProductPool(SOL_USDC.reserve_x, SOL_USDC.reserve_y)

    swap_exact_in(SOL_USDC, SOL, Direction.SELL_X)

    assert before == SOL_USDC


def test_creator_fee_on_x_comes_from_the_output_when_y_is_sold() -> None:
    fees = FeeRates(2_500, creator_fee_rate=10_000, creator_fee_on=FeeToken.X)
    pool = ConstantProductPool(10**9, 10**9, fees)
    without = ConstantProductPool(10**9, 10**9, FeeRates(2_500))

    selling_x = swap_exact_in(pool, 10**6, Direction.SELL_X)
    selling_y = swap_exact_in(pool, 10**6, Direction.SELL_Y)
    plain = swap_exact_in(without, 10**6, Direction.SELL_Y)

    assert (selling_x.fee, selling_x.creator_fee) == (2_500, 10_000)
    assert selling_x.pool.reserve_x == 10**9 + 10**6 - 10_000
    assert selling_y.fee == 2_500
    assert selling_y.creator_fee == -(-plain.amount_out // 100)
    assert selling_y.amount_out == plain.amount_out - selling_y.creator_fee
    assert selling_y.pool.reserve_x == plain.pool.reserve_x


def test_an_amount_that_buys_nothing_is_refused_with_its_figures() -> None:
    with pytest.raises(ZeroOutput) as refused:
        swap_exact_in(SOL_USDC, 1, Direction.SELL_X)

    assert str(refused.value) == "The output rounds down to nothing."
    fees = {"fee": 1, "protocol_fee": 0, "fund_fee": 0, "creator_fee": 0}
    assert refused.value.context == {"amount_in": 1, "amount_out": 0, **fees}


def test_a_creator_fee_that_eats_the_only_atom_is_zero_output() -> None:
    fees = FeeRates(0, creator_fee_rate=1, creator_fee_on=FeeToken.Y)
    pool = ConstantProductPool(100, 100, fees)

    with pytest.raises(ZeroOutput):
        swap_exact_in(pool, 2, Direction.SELL_X)


@pytest.mark.parametrize("amount", [0, -1, MAX_ATOMS + 1])
def test_an_amount_outside_of_u64_is_refused(amount: int) -> None:
    with pytest.raises(AmountOutOfRange) as refused:
        swap_exact_in(SOL_USDC, amount, Direction.SELL_X)

    assert list(refused.value.context.values()) == [amount]


def test_a_reserve_above_u64_is_refused() -> None:
    pool = ConstantProductPool(MAX_ATOMS - 9, 10**6, FeeRates(0))

    with pytest.raises(AmountOutOfRange) as refused:
        swap_exact_in(pool, MAX_ATOMS // 2, Direction.SELL_X)

    assert "reserve_x" in refused.value.context


def test_an_empty_reserve_is_no_pool() -> None:
    with pytest.raises(AmountOutOfRange):
        ConstantProductPool(0, 1)


@pytest.mark.parametrize(
    "rates", [(-1, 0, 0, 0), (1_000_000, 0, 0, 0), (999_999, 0, 0, 1), (0, 600_000, 400_001, 0)]
)
def test_rates_that_take_more_than_there_is_are_refused(rates: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidPool):
        FeeRates(*rates)
