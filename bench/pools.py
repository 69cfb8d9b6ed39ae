"""Time one swap of each kind."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter_ns

from bench.report import Report
from engine.pools import cpmm, dlmm
from engine.pools.bins import DlmmParameters, bin_price
from engine.pools.cpmm import ConstantProductPool
from engine.pools.dlmm import Bin, DlmmPool, Volatility
from engine.pools.swap import Direction

SOL = 10**9
USDC = 10**6
NOW = 1_735_689_600
LIMIT_US = 60

_BATCHES = 100
_BATCH_MS = 2


def sol_usdc_bins(bins_each_side: int) -> DlmmPool:
    """Return a pool at about 150 USDC a SOL, step 10, worth 5 SOL in each bin."""
    active_id = -1_898
    y_per_bin = [
        (5 * SOL * bin_price(10, active_id - below)) >> 64 for below in range(bins_each_side + 1)
    ]
    bins = [Bin(active_id, 5 * SOL // 2, y_per_bin[0] // 2)]
    for away in range(1, bins_each_side + 1):
        bins += [Bin(active_id - away, 0, y_per_bin[away]), Bin(active_id + away, 5 * SOL, 0)]
    volatility = Volatility(0, 0, active_id, NOW)
    return DlmmPool.from_bins(DlmmParameters(10, 10_000), volatility, active_id, bins)


def time_us(call: Callable[[], object]) -> float:
    """Return the µs of a call: the median of batches of some milliseconds each."""
    started = perf_counter_ns()
    call()
    calls = max(1, _BATCH_MS * 1_000_000 // (perf_counter_ns() - started))
    samples = []
    for _ in range(_BATCHES):
        started = perf_counter_ns()
        for _ in range(calls):
            call()
        samples.append((perf_counter_ns() - started) / calls / 1_000)
    return median(samples)


def time_swaps() -> Report:
    """Time swaps in pools of either kind, far from and close to the end of a bin."""
    report = Report("One swap")
    pair = ConstantProductPool(50_000 * SOL, 7_500_000 * USDC)
    hundred, thousand = sol_usdc_bins(50), sol_usdc_bins(500)
    sell = Direction.SELL_X
    report.add("CPMM exact in", time_us(lambda: cpmm.swap_exact_in(pair, SOL, sell)), "µs")
    for crossed, sold in ((1, 1), (10, 45), (41, 200)):
        after = dlmm.swap_exact_in(hundred, sold * SOL, sell, NOW).pool
        assert hundred.active_id - after.active_id == crossed - 1
        bins = f"{crossed} bins" if crossed > 1 else "1 bin"
        took = time_us(partial(dlmm.swap_exact_in, hundred, sold * SOL, sell, NOW))
        limit = LIMIT_US if crossed == 1 else None
        report.add(f"DLMM exact in, {bins} of 101", took, "µs", at_most=limit)
    took = time_us(lambda: dlmm.swap_exact_in(thousand, SOL, sell, NOW))
    report.add("DLMM exact in, 1 bin of 1,001", took, "µs", at_most=LIMIT_US)
    return report
