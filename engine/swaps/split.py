"""Dividing an order over pools so that all of them end at the same marginal rate.

Then no atom would buy more elsewhere. Ratios are exact or carry 64 binary digits, so that the
proposal is repeatable; what it really buys is for the caller to simulate in whole atoms.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, isqrt
from typing import TypeAlias

from engine.pools import cpmm, dlmm
from engine.pools.cpmm import RATE_UNIT, ConstantProductPool
from engine.pools.dlmm import DlmmPool
from engine.pools.marginal import RateStretch, amount_to_rate, dlmm_stretches, kept_parts
from engine.pools.swap import Direction, InsufficientLiquidity, PoolError, require_atoms

Side: TypeAlias = tuple[ConstantProductPool | DlmmPool, Direction]
"""A pool and which of its tokens is paid; the same order may sell X to one and Y to another."""


def optimal_split(pools: Sequence[Side], amount_in: int, now: int) -> tuple[int, ...]:
    """Return the atoms to pay into each pool, 0 where unused, for the greatest total output.

    The parts add up to `amount_in`; `now` is in Unix seconds. A pool whose part would buy nothing
    is left out if the others can take it. Compare the result with the fills of single pools: parts
    are rounded, and inside bins merged by `_falling` the rate is an average.
    Raises InsufficientLiquidity if there are DLMM pools only and their bins run out,
    AmountOutOfRange unless `amount_in` is 1 … 2^64-1.
    """
    require_atoms(amount_in=amount_in)
    parts = _equal_rates(pools, amount_in, now)
    used = [k for k, part in enumerate(parts) if part]
    if len(used) == 1:
        return tuple(parts)
    useful = [k for k in used if _buys(pools[k], parts[k], now)]
    if len(useful) == len(used):
        return tuple(parts)
    useful = useful or [max(used, key=parts.__getitem__)]
    try:
        fewer = optimal_split([pools[k] for k in useful], amount_in, now)
    except InsufficientLiquidity:
        return tuple(parts)
    placed = dict(zip(useful, fewer, strict=True))
    return tuple(placed.get(k, 0) for k in range(len(pools)))


def _equal_rates(pools: Sequence[Side], amount_in: int, now: int) -> list[int]:
    # Fills bins, best rate first, until the constant-product pools take the rest as well.
    curves = {k: (p, d) for k, (p, d) in enumerate(pools) if isinstance(p, ConstantProductPool)}
    stretches = [
        (stretch, k)
        for k, (pool, direction) in enumerate(pools)
        if isinstance(pool, DlmmPool)
        for stretch in _falling(pool, direction, amount_in, now)
    ]
    # The sort is stable: stretches of equal rate in one pool stay in walking order.
    stretches.sort(key=lambda pair: pair[0].rate, reverse=True)
    parts = [0] * len(pools)
    left = amount_in
    for stretch, k in stretches:
        on_curves = {
            c: _with_whole_fee(*curve, amount_to_rate(*curve, stretch.rate, now))
            for c, curve in curves.items()
        }
        beyond = left - sum(on_curves.values())
        if beyond <= 0:
            break
        if beyond <= stretch.amount_in:
            parts[k] += beyond
            for c, part in on_curves.items():
                parts[c] = part
            return parts
        parts[k] += stretch.amount_in
        left -= stretch.amount_in
    if not curves:
        raise InsufficientLiquidity(amount_in=amount_in, left=left)
    for c, part in _on_curves(curves, left).items():
        parts[c] = part
    return parts


def _falling(pool: DlmmPool, direction: Direction, amount_in: int, now: int) -> list[RateStretch]:
    # A stretch better than the one before it cannot be had first, so the two count as one.
    falling: list[RateStretch] = []
    reach = 0
    for stretch in dlmm_stretches(pool, direction, now):
        reach += stretch.amount_in
        while falling and stretch.rate > falling[-1].rate:
            before = falling.pop()
            paid, bought = (
                before.amount_in + stretch.amount_in,
                before.amount_out + stretch.amount_out,
            )
            stretch = RateStretch(paid, bought, Fraction(bought, paid))
        falling.append(stretch)
        if reach >= amount_in:
            break
    return falling


def _on_curves(
    curves: dict[int, tuple[ConstantProductPool, Direction]], amount_in: int
) -> dict[int, int]:
    # With g and h kept of input and output, the marginal rates g*h*x*y / (x + g*a)^2 are equal at
    # a = root * (amount_in + all depths) / (all roots) - depth; 64 binary digits stay below atoms.
    roots, depths = {}, {}
    for k, (pool, direction) in curves.items():
        reserve_in, reserve_out = pool.reserves(direction)
        kept_in, kept_out = kept_parts(pool, direction)
        roots[k] = isqrt((reserve_in * reserve_out * kept_out << 128) // kept_in)
        depths[k] = (reserve_in * RATE_UNIT << 64) // kept_in
    while True:
        depth, root = (amount_in << 64) + sum(depths.values()), sum(roots.values())
        parts = {k: roots[k] * depth // root - depths[k] for k in roots}
        dear = [k for k, part in parts.items() if part <= 0]
        if not dear or len(parts) == 1:
            break
        for k in dear:
            del roots[k], depths[k]
    atoms = {k: _with_whole_fee(*curves[k], part >> 64) for k, part in parts.items()}
    atoms[max(parts, key=parts.__getitem__)] += amount_in - sum(atoms.values())
    return atoms


def _with_whole_fee(pool: ConstantProductPool, direction: Direction, amount_in: int) -> int:
    # A fee rounded up wastes up to one atom paid, which may be worth many atoms bought. A little
    # less than the optimum costs nothing as long as its square is small beside the reserve.
    whole = RATE_UNIT // gcd(RATE_UNIT, kept_parts(pool, direction)[0])
    if whole * whole > pool.reserves(direction)[0]:
        return amount_in
    return amount_in - amount_in % whole


def _buys(side: Side, amount_in: int, now: int) -> bool:
    pool, direction = side
    try:
        if isinstance(pool, ConstantProductPool):
            cpmm.swap_exact_in(pool, amount_in, direction)
        else:
            first = next(dlmm_stretches(pool, direction, now))
            if amount_in < first.amount_in or not first.amount_out:
                dlmm.swap_exact_in(pool, amount_in, direction, now)
    except PoolError:
        return False
    return True
