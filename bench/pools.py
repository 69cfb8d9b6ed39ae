"""Time one swap of each kind: `python -m bench.pools`."""

from collections.abc import Callable
from statistics import median, quantiles
from time import perf_counter_ns

from rich.console import Console
from rich.table import Table

from engine.pools import cpmm, dlmm
from engine.pools.bins import DlmmParameters, bin_price
from engine.pools.cpmm import ConstantProductPool
from engine.pools.dlmm import Bin, DlmmPool, Volatility
from engine.pools.swap import Direction

SOL = 10**9
USDC = 10**6
NOW = 1_735_689_600
BATCHES = 300
SWAPS_PER_BATCH = 100
LIMIT_US = 60


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


def time_us(swap: Callable[[], object]) -> list[float]:
    """Return the mean µs of a swap in each batch."""
    samples = []
    for _ in range(BATCHES):
        started = perf_counter_ns()
        for _ in range(SWAPS_PER_BATCH):
            swap()
        samples.append((perf_counter_ns() - started) / SWAPS_PER_BATCH / 1_000)
    return samples


def main() -> None:
    pair = ConstantProductPool(50_000 * SOL, 7_500_000 * USDC)
    hundred = sol_usdc_bins(50)
    thousand = sol_usdc_bins(500)
    sell = Direction.SELL_X
    swaps: dict[str, Callable[[], object]] = {
        "CPMM exact in": lambda: cpmm.swap_exact_in(pair, SOL, sell),
        "CPMM exact out": lambda: cpmm.swap_exact_out(pair, 150 * USDC, sell),
        "DLMM exact in, inside 1 of 101 bins": lambda: dlmm.swap_exact_in(hundred, SOL, sell, NOW),
        "DLMM exact out, inside 1 of 101 bins": lambda: dlmm.swap_exact_out(
            hundred, 150 * USDC, sell, NOW
        ),
        "DLMM exact in, inside 1 of 1001 bins": lambda: dlmm.swap_exact_in(
            thousand, SOL, sell, NOW
        ),
        "DLMM exact in, over 5 of 101 bins": lambda: dlmm.swap_exact_in(
            hundred, 20 * SOL, sell, NOW
        ),
        "DLMM exact in, over 41 of 101 bins": lambda: dlmm.swap_exact_in(
            hundred, 200 * SOL, sell, NOW
        ),
    }
    table = Table("swap", "median µs", "p95 µs", title=f"Pools (one bin: at most {LIMIT_US} µs)")
    for name, swap in swaps.items():
        samples = time_us(swap)
        table.add_row(name, f"{median(samples):.1f}", f"{quantiles(samples, n=20)[-1]:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
