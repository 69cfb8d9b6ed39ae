"""The devnet's pools as they are before the first trade.

Raydium's pools are deep and cost 25 bps; Meteora's are shallower, cost about 10 bps, and more
while the price jumps. So small trades lean to Meteora and big ones to Raydium, or to both.
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from engine.pools.bins import MAX_BIN_ID, ONE, DlmmParameters, bin_price
from engine.pools.cpmm import ConstantProductPool
from engine.pools.dlmm import Bin, DlmmPool, Volatility
from engine.pools.listed import ListedPool
from engine.pools.swap import AmountOutOfRange
from engine.tokens import (
    BONK,
    CBBTC,
    ETH,
    HNT,
    JITOSOL,
    JUP,
    MET,
    MSOL,
    ORCA,
    PENGU,
    PYTH,
    RAY,
    SOL,
    USDC,
    USDT,
    WIF,
    Token,
)

USD = {
    SOL: "150",
    USDC: "1",
    USDT: "1",
    BONK: "0.00002",
    JUP: "0.5",
    RAY: "2.5",
    MSOL: "195",
    JITOSOL: "183",
    PYTH: "0.12",
    ETH: "3500",
    CBBTC: "95000",
    HNT: "2.5",
    PENGU: "0.015",
    MET: "0.3",
    WIF: "0.5",
    ORCA: "1.3",
}
"""What a whole unit of each token is worth at the start."""

# token_x, token_y, US dollars on each side.
_RAYDIUM = (
    (SOL, USDC, 7_500_000),
    (SOL, USDT, 3_000_000),
    (USDC, USDT, 9_000_000),
    (JUP, USDC, 4_500_000),
    (JUP, SOL, 1_500_000),
    (RAY, USDC, 5_000_000),
    (RAY, SOL, 1_500_000),
    (BONK, USDC, 3_000_000),
    (BONK, SOL, 1_500_000),
    (MSOL, SOL, 6_000_000),
    (JITOSOL, SOL, 6_000_000),
    (PYTH, USDC, 1_200_000),
    (ETH, USDC, 4_000_000),
    (CBBTC, USDC, 5_000_000),
    (HNT, SOL, 900_000),
    (PENGU, SOL, 900_000),
    (MET, USDC, 900_000),
    (WIF, SOL, 1_500_000),
    (ORCA, USDC, 800_000),
)

# token_x, token_y, bin step in bps, fee of a calm pool in bps, US dollars in each bin.
_METEORA = (
    (SOL, USDC, 10, 10, 3_000),
    (SOL, USDT, 10, 10, 1_500),
    (USDC, USDT, 1, 1, 20_000),
    (JUP, USDC, 20, 20, 2_000),
    (JUP, SOL, 20, 20, 1_000),
    (RAY, USDC, 20, 20, 2_000),
    (RAY, SOL, 20, 20, 1_000),
    (BONK, USDC, 20, 20, 2_000),
    (BONK, SOL, 20, 20, 1_000),
    (MSOL, SOL, 2, 2, 10_000),
    (JITOSOL, SOL, 2, 2, 10_000),
    (ETH, USDC, 10, 10, 4_000),
    (CBBTC, USDC, 10, 10, 4_000),
    (PENGU, SOL, 25, 25, 800),
    (MET, USDC, 20, 20, 1_500),
    (WIF, SOL, 25, 25, 800),
)
BINS_EACH_SIDE = 50


def genesis_pools() -> Iterator[ListedPool]:
    """Yield every pool of the devnet as it is before the first slot."""
    for x, y, dollars in _RAYDIUM:
        state = ConstantProductPool(_atoms(x, dollars), _atoms(y, dollars))
        yield ListedPool(f"raydium:{x.symbol}-{y.symbol}", "raydium", x, y, state)
    for x, y, bin_step, fee_bps, dollars in _METEORA:
        parameters = DlmmParameters(bin_step, base_factor=fee_bps * 10_000 // bin_step)
        held = (_in_bins(x, dollars), _in_bins(y, dollars))
        active = bin_of(genesis_rate(x, y), bin_step)
        state_of_bins = bins_around(parameters, active, *held)
        yield ListedPool(f"meteora:{x.symbol}-{y.symbol}", "meteora", x, y, state_of_bins)


def genesis_rate(x: Token, y: Token) -> Fraction:
    """Return atoms of y per atom of x at the start."""
    return Fraction(USD[x]) / Fraction(USD[y]) * Fraction(10) ** (y.decimals - x.decimals)


def _atoms(token: Token, dollars: int) -> int:
    return int((Decimal(dollars) / Decimal(USD[token])).scaleb(token.decimals))


def _in_bins(token: Token, dollars: int) -> int:
    """Return the atoms of one side's bins and half the active one."""
    in_bin = _atoms(token, dollars)
    return in_bin * BINS_EACH_SIDE + in_bin // 2


def bins_around(parameters: DlmmParameters, active: int, held_x: int, held_y: int) -> DlmmPool:
    """Return a calm pool with X spread evenly above its active bin and Y below it.

    `held_x` and `held_y` are all its atoms; what does not divide evenly is in the active bin.
    """
    sides = range(1, BINS_EACH_SIDE + 1)
    x_in_bin, y_in_bin = (2 * held // (2 * BINS_EACH_SIDE + 1) for held in (held_x, held_y))
    rest = (held_x - x_in_bin * BINS_EACH_SIDE, held_y - y_in_bin * BINS_EACH_SIDE)
    bins = [Bin(active, *rest)]
    bins += [Bin(active + n, x_in_bin, 0) for n in sides]
    bins += [Bin(active - n, 0, y_in_bin) for n in sides]
    return DlmmPool.from_bins(parameters, Volatility(0, 0, active, 0), active, bins)


def bin_of(rate: Fraction, bin_step: int) -> int:
    """Return the highest bin whose price is at most `rate`, atoms of Y per atom of X.

    Raises AmountOutOfRange for a rate beyond the bins whose prices the program tells apart well.
    """
    reach = min(MAX_BIN_ID, 300_000 // bin_step)
    low, high = -reach, reach
    if not bin_price(bin_step, low) <= rate * ONE <= bin_price(bin_step, high):
        raise AmountOutOfRange(most_bins_from_one=reach)
    while low < high:
        middle = (low + high + 1) // 2
        if bin_price(bin_step, middle) <= rate * ONE:
            low = middle
        else:
            high = middle - 1
    return low


def nearest_bin(rate: Fraction, bin_step: int) -> int:
    """Return the bin whose price is nearest to `rate` in proportion; raises as `bin_of` does."""
    below = bin_of(rate, bin_step)
    lower, upper = bin_price(bin_step, below), bin_price(bin_step, below + 1)
    return below if (rate * ONE) ** 2 <= lower * upper else below + 1
