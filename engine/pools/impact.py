"""What a swap buys before its output is rounded to atoms: the part of it that is price impact."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from engine.pools.bins import ONE, bin_price
from engine.pools.cpmm import RATE_UNIT, ConstantProductPool
from engine.pools.dlmm import DlmmPool
from engine.pools.marginal import kept_parts
from engine.pools.swap import Direction, SwapResult

_SCALE_BITS = 192


def paid_and_bought(
    pool: ConstantProductPool | DlmmPool, result: SwapResult[Any], direction: Direction
) -> tuple[Fraction, Fraction]:
    """Return what a swap pays without fees, and what that buys of `pool`, in parts of atoms.

    Rounding is no impact: of a few atoms it takes a great part, whatever the price does.
    """
    if isinstance(pool, ConstantProductPool):
        reserve_in, reserve_out = pool.reserves(direction)
        paid = Fraction(result.amount_in * kept_parts(pool, direction)[0], RATE_UNIT)
        return paid, paid * reserve_out / (reserve_in + paid)
    net, bought = 0, 0
    for bin_id, amount in _paid_into_bins(pool, result.pool, direction):
        net += amount
        # Scaled and rounded down, so that bins add up without a common denominator.
        price = bin_price(pool.parameters.bin_step, bin_id)
        if direction is Direction.SELL_X:
            bought += (amount * price << _SCALE_BITS) // ONE
        else:
            bought += (amount * ONE << _SCALE_BITS) // price
    return Fraction(net), Fraction(bought, 1 << _SCALE_BITS)


def _paid_into_bins(
    before: DlmmPool, after: DlmmPool, direction: Direction
) -> Iterator[tuple[int, int]]:
    """Yield the bins that took something, and how many atoms, fees left out."""
    if direction is Direction.SELL_X:
        held, passed, last = before.amount_x, after.asks[len(before.asks) :], after.amount_x
    else:
        held, passed, last = before.amount_y, after.bids[len(before.bids) :], after.amount_y
    for bin_id, amount in (*passed, (after.active_id, last)):
        # Only the bin that was active may have held something of the token paid.
        yield bin_id, amount - held if bin_id == before.active_id else amount
