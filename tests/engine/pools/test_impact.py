"""What a swap buys before rounding: between what it really buys and what the spot price gives."""

from fractions import Fraction

import pytest
from hypothesis import given

from engine.devnet.genesis import genesis_pools
from engine.pools.cpmm import ConstantProductPool
from engine.pools.impact import paid_and_bought
from engine.pools.listed import ListedPool
from engine.pools.swap import Direction
from engine.tokens import SOL, USDC
from tests.engine.pools.test_properties import Pool, atoms, directions, executed, pools, prop


@prop
@given(pools, atoms, directions)
def test_rounding_never_adds_and_spot_is_never_beaten(
    pool: Pool, amount_in: int, direction: Direction
) -> None:
    result = executed(pool, amount_in, direction)
    paid, bought = paid_and_bought(pool, result, direction)
    spot = ListedPool("id", "venue", SOL, USDC, pool).spot(direction)

    assert 0 <= paid <= result.amount_in
    assert result.amount_out <= bought * (1 + Fraction(1, 2**60)) + 1
    assert bought <= paid * spot


@pytest.mark.parametrize("direction", Direction)
def test_bins_add_up_to_what_was_paid_without_fees(direction: Direction) -> None:
    pool = next(p for p in genesis_pools() if p.id == "meteora:SOL-USDC")
    held = pool.reserves.y * 1000 // 150 if direction is Direction.SELL_X else pool.reserves.x
    amount_in = held // 3 if direction is Direction.SELL_X else held * 150 // 3_000
    result = pool.quote(amount_in, direction, 0)

    paid, bought = paid_and_bought(pool.state, result, direction)

    assert paid == result.amount_in - result.fee
    # An atom a bin is lost to rounding, of 51 on a side.
    assert 0 <= bought - result.amount_out < 51 * max(Fraction(1), pool.spot(direction))


def test_a_constant_product_moves_as_its_formula_says() -> None:
    pool = ConstantProductPool(50_000 * 10**9, 7_500_000 * 10**6)
    result = ListedPool("id", "venue", SOL, USDC, pool).quote(500 * 10**9, Direction.SELL_X, 0)

    paid, bought = paid_and_bought(pool, result, Direction.SELL_X)

    assert paid == Fraction(49_875 * 10**7)
    assert bought / (paid * Fraction(pool.reserve_y, pool.reserve_x)) == Fraction(
        pool.reserve_x, pool.reserve_x + 498_750_000_000
    )
