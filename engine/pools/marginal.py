"""What one more atom into a pool returns, and how much goes in before it returns too little.

Marginal rates are atoms bought per atom paid, net of fees and before rounding to atoms.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from engine.amounts import BPS, MAX_ATOMS
from engine.pools.bins import FEE_UNIT, ONE, BinTerms, bin_price, drain, fee_rate
from engine.pools.cpmm import RATE_UNIT, ConstantProductPool
from engine.pools.dlmm import DlmmPool, Level, references
from engine.pools.swap import AmountOutOfRange, Direction


class RateStretch(NamedTuple):
    """What trades at one rate: `amount_in` atoms, fees included, buy `amount_out` atoms.

    `rate` is the marginal rate anywhere inside the stretch; the amounts are rounded to atoms.
    """

    amount_in: int
    amount_out: int
    rate: Fraction


def dlmm_stretches(pool: DlmmPool, direction: Direction, now: int) -> Iterator[RateStretch]:
    """Yield what drains each bin that holds the bought token, the active one first.

    A swap of the first k `amount_in` together, at `now` in Unix seconds, buys the first k
    `amount_out`. Rates fall from each to the next, but for bins on the way back to the index
    reference, whose fee falls too. Ends before a bin whose price the program refuses.
    Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/quote.rs `quote_exact_in`.
    """
    parameters = pool.parameters
    fee_on_input = parameters.collect_fee_mode.is_input(direction)
    reference, index_reference = references(pool, now)
    for bin_id, held in _levels(pool, direction):
        moved = reference + BPS * abs(index_reference - bin_id)
        try:
            price = bin_price(parameters.bin_step, bin_id)
        except AmountOutOfRange:
            return
        fee_billionths = fee_rate(parameters, min(moved, parameters.max_volatility_accumulator))
        terms = BinTerms(price, fee_billionths, direction, fee_on_input)
        net_in, gross_out, fee = drain(held, terms)
        rate = _bin_rate(terms)
        if fee_on_input:
            yield RateStretch(net_in + fee, gross_out, rate)
        else:
            yield RateStretch(net_in, gross_out - fee, rate)


def amount_to_rate(
    pool: ConstantProductPool | DlmmPool, direction: Direction, limit: Fraction, now: int
) -> int:
    """Return the most atoms to pay, fees included, while each trades at `limit` or better.

    `limit` is a marginal rate above 0. The result is 0 where the pool is already worse, whole bins
    of a DLMM pool at `now` in Unix seconds, and never more than the program can take in.
    """
    assert limit > 0
    if isinstance(pool, ConstantProductPool):
        return _cpmm_amount(pool, direction, limit)
    amount_in = 0
    for stretch in dlmm_stretches(pool, direction, now):
        if stretch.rate < limit:
            break
        amount_in += stretch.amount_in
    return min(amount_in, MAX_ATOMS)


def best_rate(pool: ConstantProductPool | DlmmPool, direction: Direction) -> Fraction:
    """Return what no swap beats, whatever its size and time: the spot rate less the least fee."""
    if isinstance(pool, ConstantProductPool):
        reserve_in, reserve_out = pool.reserves(direction)
        kept_in, kept_out = kept_parts(pool, direction)
        return Fraction(reserve_out * kept_in * kept_out, reserve_in * RATE_UNIT * RATE_UNIT)
    parameters = pool.parameters
    price = bin_price(parameters.bin_step, pool.active_id)
    return _bin_rate(BinTerms(price, fee_rate(parameters, 0), direction, fee_on_input=True))


def kept_parts(pool: ConstantProductPool, direction: Direction) -> tuple[int, int]:
    """Return what fees leave of the amount paid and of the amount bought, both in millionths."""
    fees = pool.fees
    if fees.creator_fee_on.is_input(direction):
        return RATE_UNIT - fees.trade_fee_rate - fees.creator_fee_rate, RATE_UNIT
    return RATE_UNIT - fees.trade_fee_rate, RATE_UNIT - fees.creator_fee_rate


def _cpmm_amount(pool: ConstantProductPool, direction: Direction, limit: Fraction) -> int:
    # With g and h kept of input and output, g*h*x*y / (x + g*a)^2 >= limit solved for a. In
    # millionths x + g*a is an integer, so the integer root is exact here.
    reserve_in, reserve_out = pool.reserves(direction)
    kept_in, kept_out = kept_parts(pool, direction)
    square = kept_in * kept_out * reserve_in * reserve_out * limit.denominator // limit.numerator
    amount_in = (isqrt(square) - RATE_UNIT * reserve_in) // kept_in
    return max(0, min(amount_in, MAX_ATOMS - reserve_in))


def _levels(pool: DlmmPool, direction: Direction) -> Iterator[Level]:
    if direction is Direction.SELL_X:
        held, ahead = pool.amount_y, pool.bids
    else:
        held, ahead = pool.amount_x, pool.asks
    if held:
        yield Level(pool.active_id, held)
    yield from reversed(ahead)


def _bin_rate(terms: BinTerms) -> Fraction:
    kept = FEE_UNIT - terms.rate
    if terms.direction is Direction.SELL_X:
        return Fraction(terms.price * kept, ONE * FEE_UNIT)
    return Fraction(ONE * kept, terms.price * FEE_UNIT)
