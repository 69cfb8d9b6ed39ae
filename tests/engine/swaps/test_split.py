"""The proposed split, or one pool alone, is as good as a numeric search over integer swaps."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate, pairwise
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pools import cpmm, dlmm
from engine.pools.bins import DlmmParameters
from engine.pools.cpmm import ConstantProductPool, FeeRates
from engine.pools.dlmm import Bin, DlmmPool, Volatility
from engine.pools.marginal import dlmm_stretches
from engine.pools.swap import (
    AmountOutOfRange,
    Direction,
    InsufficientLiquidity,
    PoolError,
    ZeroOutput,
)
from engine.swaps.split import Side, optimal_split
from tests.engine.pools.test_vectors import GROUPS, dlmm_pool

TOLERANCE = 13
"""Atoms of output: what rounding inside one more bin may cost, as AMM.md measured."""
SOL, USDC = 10**9, 10**6
NOW = 1_735_689_600
RECORDED = {
    record["name"]: dlmm_pool(record)
    for record in GROUPS["dlmm_onchain_program"]["pools"]
    if record["name"].startswith("sol_usdc")
}
NAMES = sorted(RECORDED)
RAYDIUM = ConstantProductPool(50_000 * SOL, 7_500_000 * USDC)

Total: TypeAlias = Callable[[int], int]


def bought(side: Side, amount_in: int) -> int:
    """Return the output in atoms; -1, worse than any, where the pool refuses."""
    pool, direction = side
    try:
        if isinstance(pool, ConstantProductPool):
            return cpmm.swap_exact_in(pool, amount_in, direction).amount_out
        return dlmm.swap_exact_in(pool, amount_in, direction, NOW).amount_out
    except ZeroOutput:
        return 0
    except PoolError:
        return -1


def total(sides: Sequence[Side], parts: Iterable[int]) -> int:
    outputs = [bought(side, part) for side, part in zip(sides, parts, strict=True) if part]
    return -1 if min(outputs) < 0 else sum(outputs)


def best_offer(sides: Sequence[Side], amount_in: int) -> int:
    """Return what an order gets: the proposed split or the best single pool."""
    singles = [bought(side, amount_in) for side in sides]
    try:
        parts = optimal_split(sides, amount_in, NOW)
    except InsufficientLiquidity:
        return max(singles)
    assert min(parts) >= 0
    assert sum(parts) == amount_in
    return max(total(sides, parts), *singles)


def best_part(output: Total, amount_in: int, kinks: Iterable[int]) -> int:
    """Return the part of `amount_in` with the greatest output: grid and kinks, then ternary."""
    points = sorted({0, amount_in, *kinks, *(amount_in * k // 16 for k in range(17))})
    points = [point for point in points if 0 <= point <= amount_in]
    best = max(points, key=output)
    for low, high in pairwise(points):
        if best not in (low, high):
            continue
        left, right = low, high
        while right - left > 2:
            third = (right - left) // 3
            if output(left + third) < output(right - third):
                left += third
            else:
                right -= third
        best = max(best, left, left + 1, right, key=output)
    return max(range(max(0, best - 4), min(amount_in, best + 4) + 1), key=output)


def kinks(side: Side, amount_in: int) -> list[int]:
    """Return the inputs at which a DLMM pool moves to the next bin, up to `amount_in`."""
    pool, direction = side
    if isinstance(pool, ConstantProductPool):
        return []
    ends = accumulate(step.amount_in for step in dlmm_stretches(pool, direction, NOW))
    return [end for end in ends if end <= amount_in]


def searched(sides: Sequence[Side], amount_in: int) -> int:
    """Return the greatest output found by moving atoms between pairs of pools until none helps."""
    best, result = [amount_in] + [0] * (len(sides) - 1), -2
    while (found := total(sides, best)) > result:
        result = found
        for a in range(len(sides)):
            for b in range(a):
                both = best[a] + best[b]
                first, second = cache(sides_output(sides[a])), cache(sides_output(sides[b]))

                def pair(part: int, f: Total = first, s: Total = second, both: int = both) -> int:
                    outputs = (f(part), s(both - part))
                    return -1 if min(outputs) < 0 else sum(outputs)

                ends = kinks(sides[a], both) + [both - end for end in kinks(sides[b], both)]
                part = best_part(pair, both, ends)
                if pair(part) > pair(best[a]):
                    best[a], best[b] = part, both - part
    return result


def sides_output(side: Side) -> Total:
    return lambda part: bought(side, part) if part else 0


def order_size(rng: random.Random, direction: Direction) -> int:
    """Return 0.001 to 5,000 SOL or its worth, each magnitude alike."""
    lamports = int(10 ** rng.uniform(6, 12.7))
    return lamports if direction is Direction.SELL_X else lamports * 3 // 20


def near(
    rng: random.Random, pool: ConstantProductPool, spread: float = 0.01
) -> ConstantProductPool:
    """Return a like pool of another size, its price moved by up to `spread`."""
    size = 2 ** rng.uniform(-3, 1)
    reserve_y = pool.reserve_y * size * (1 + rng.uniform(-spread, spread))
    return replace(pool, reserve_x=int(pool.reserve_x * size), reserve_y=int(reserve_y))


def stirred(rng: random.Random, pool: DlmmPool) -> DlmmPool:
    """Return the pool calm, in the decay window or amid trading, its bins of uneven depth."""
    volatility = Volatility(
        volatility_accumulator=rng.randrange(200_000),
        volatility_reference=rng.randrange(50_000),
        index_reference=pool.active_id + rng.randint(-12, 12),
        last_update_timestamp=NOW - rng.choice([5, 29, 30, 200, 599, 600, 10_000]),
    )
    depth = rng.choice([1, 1, 10])
    bins = [Bin(i, x * depth, y * depth) for i, x, y in pool.bins if rng.random() < 0.9]
    return DlmmPool.from_bins(pool.parameters, volatility, pool.active_id, bins)


def some_dlmm(rng: random.Random) -> DlmmPool:
    pool = RECORDED[rng.choice(NAMES)]
    return stirred(rng, pool) if rng.random() < 0.6 else pool


@pytest.mark.parametrize("batch", range(8))
def test_no_search_finds_more_between_raydium_and_meteora(batch: int) -> None:
    rng = random.Random(batch)
    for _ in range(25):
        direction = rng.choice(list(Direction))
        curve = near(rng, RAYDIUM) if rng.random() < 0.5 else RAYDIUM
        sides: list[Side] = [(curve, direction), (some_dlmm(rng), direction)]
        amount_in = order_size(rng, direction)

        assert searched(sides, amount_in) - best_offer(sides, amount_in) <= TOLERANCE


@pytest.mark.parametrize("kind", ["two curves", "two dlmm", "three", "two curves and two dlmm"])
def test_no_search_finds_more_among_other_sets_of_pools(kind: str) -> None:
    rng = random.Random(kind)
    curves, dlmms = {
        "two curves": (2, 0),
        "two dlmm": (0, 2),
        "three": (1, 2),
        "two curves and two dlmm": (2, 2),
    }[kind]
    for _ in range(8):
        direction = rng.choice(list(Direction))
        pools = [near(rng, RAYDIUM) for _ in range(curves)] + [some_dlmm(rng) for _ in range(dlmms)]
        sides = [(pool, direction) for pool in pools]
        amount_in = order_size(rng, direction) // (1 if curves else 10)

        assert searched(sides, amount_in) - best_offer(sides, amount_in) <= TOLERANCE


sizes = st.integers(0, 42).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1)))
seeds = st.integers(0, 2**32).map(random.Random)


@settings(deadline=None, max_examples=100)
@given(seeds, sizes, st.sampled_from(Direction), st.integers(0, 2), st.integers(0, 2))
def test_no_other_split_buys_more(
    rng: random.Random, amount_in: int, direction: Direction, curves: int, dlmms: int
) -> None:
    pools = [near(rng, RAYDIUM) for _ in range(curves)] + [some_dlmm(rng) for _ in range(dlmms)]
    sides = [(pool, direction) for pool in pools or [RAYDIUM]]

    offer = best_offer(sides, amount_in)

    for _ in range(5):
        cuts = sorted(rng.randint(0, amount_in) for _ in sides[1:])
        other = [b - a for a, b in pairwise([0, *cuts, amount_in])]
        assert total(sides, other) <= offer + TOLERANCE


def test_curves_equal_but_for_size_share_by_size() -> None:
    small = ConstantProductPool(10_000 * SOL, 1_500_000 * USDC)

    large, rest = optimal_split(
        [(RAYDIUM, Direction.SELL_X), (small, Direction.SELL_X)], 60 * SOL, NOW
    )

    assert large + rest == 60 * SOL
    assert large == pytest.approx(50 * SOL, abs=400)  # the smaller fee is a whole number of atoms


def test_a_curve_dearer_than_the_whole_order_elsewhere_is_left_out() -> None:
    dear = ConstantProductPool(50_000 * SOL, 7_000_000 * USDC)

    sides = [(dear, Direction.SELL_X), (RAYDIUM, Direction.SELL_X)]

    assert optimal_split(sides, SOL, NOW) == (0, SOL)
    assert min(optimal_split(sides, 10_000 * SOL, NOW)) > 0


def test_curves_take_what_the_bins_cannot() -> None:
    pool = RECORDED["sol_usdc_bs10_calm"]
    held = sum(step.amount_in for step in dlmm_stretches(pool, Direction.SELL_X, NOW))
    sides: list[Side] = [(pool, Direction.SELL_X), (RAYDIUM, Direction.SELL_X)]

    assert optimal_split(sides, 20_000 * SOL, NOW) == (held, 20_000 * SOL - held)


def test_bins_alone_run_out() -> None:
    sides = [(RECORDED[name], Direction.SELL_X) for name in ("sol_usdc_bs4_calm",) * 2]
    held = 2 * sum(step.amount_in for step in dlmm_stretches(*sides[0], NOW))

    assert sum(optimal_split(sides, held, NOW)) == held
    with pytest.raises(InsufficientLiquidity):
        optimal_split(sides, held + 1, NOW)


def test_a_bin_dearer_than_elsewhere_is_drained_for_better_ones_behind_it() -> None:
    # The fee falls from 5 to 2 to 1 % on the way to the index reference: atoms bought per atom
    # paid are 0.95, 0.970 and 0.9705, on average 0.963, against 0.960 of the curve.
    parameters = DlmmParameters(100, 10_000, variable_fee_control=1_000_000)
    trading = Volatility(0, 0, index_reference=2, last_update_timestamp=NOW)
    bins = DlmmPool.from_bins(parameters, trading, 0, [Bin(i, SOL, 0) for i in range(3)])
    curve = ConstantProductPool(9_624 * 10**12, 10**16)
    rates = [step.rate for step in dlmm_stretches(bins, Direction.SELL_Y, NOW)]
    drained = sum(step.amount_in for step in dlmm_stretches(bins, Direction.SELL_Y, NOW))
    sides: list[Side] = [(curve, Direction.SELL_Y), (bins, Direction.SELL_Y)]

    assert [round(float(rate), 4) for rate in rates] == [0.95, 0.9703, 0.9705]
    assert optimal_split(sides, 5 * SOL, NOW) == (5 * SOL - drained, drained)
    assert best_offer(sides, SOL // 2) == bought(sides[0], SOL // 2)


def test_a_part_too_small_to_buy_an_atom_goes_to_the_others() -> None:
    sides = [(RAYDIUM, Direction.SELL_X)] * 2

    assert sorted(optimal_split(sides, 10, NOW)) == [0, 10]
    assert min(optimal_split(sides, 1_000, NOW)) > 0


def test_directions_may_differ_between_pools() -> None:
    mirrored = ConstantProductPool(RAYDIUM.reserve_y, RAYDIUM.reserve_x)

    parts = optimal_split([(RAYDIUM, Direction.SELL_X), (mirrored, Direction.SELL_Y)], SOL, NOW)

    assert parts == (SOL // 2, SOL // 2)


def test_fees_decide_between_equal_reserves() -> None:
    cheap = replace(RAYDIUM, fees=FeeRates(100))

    assert optimal_split([(RAYDIUM, Direction.SELL_X), (cheap, Direction.SELL_X)], SOL, NOW) == (
        0,
        SOL,
    )


@pytest.mark.parametrize("amount_in", [0, -1, 2**64])
def test_only_amounts_of_the_program_are_split(amount_in: int) -> None:
    with pytest.raises(AmountOutOfRange):
        optimal_split([(RAYDIUM, Direction.SELL_X)], amount_in, NOW)
