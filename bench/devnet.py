"""python -m bench.devnet: what the devnet's swaps, routes, market and slots cost, and who wins.

It needs no stack: one embedded Postgres for the slots, nothing for the rest; about 20 s.
"""

import asyncio
import sys
from functools import partial
from statistics import median
from time import perf_counter_ns

from rich.console import Console
from rich.table import Table

from bench import flow
from bench.crowd import time_best_route, time_quotes
from bench.pools import time_swaps, time_us
from bench.report import Report, percentile
from bench.slots import time_slots
from bench.stack import BenchFailed
from engine.devnet.chain import CHAIN, Chain
from engine.devnet.genesis import genesis_pools
from engine.pools.book import PoolBook
from engine.swaps.paths import Path, best_path
from engine.swaps.swap import Swap
from engine.tokens import JUP, ORCA, SOL, USDC

_MARKET_SLOTS = 1_000


def time_routes() -> Report:
    """Time the search for the best route on the book of genesis."""
    report = Report("One best route")
    book = PoolBook(CHAIN, 1, {pool.id: pool for pool in genesis_pools()})
    small, big = flow.swap_of(SOL, USDC, 15), flow.swap_of(SOL, USDC, 75_000)
    small_legs, big_legs = flow.swap_of(ORCA, JUP, 15), flow.swap_of(ORCA, JUP, 75_000)
    for name, swap, on, split, legs in (
        ("Raydium alone, 0.1 SOL", small, book.of(["raydium"]), False, 1),
        ("Meteora alone, 0.1 SOL", small, book.of(["meteora"]), False, 1),
        ("both, no gain in a split, 0.1 SOL", small, book, True, 1),
        ("both, split, 500 SOL", big, book, True, 2),
        ("ORCA to JUP over a hub, $15", small_legs, book, True, 2),
        ("ORCA to JUP over a hub, split, $75,000", big_legs, book, True, 3),
    ):
        found = _path(swap, on, split)
        assert len(found.route) == legs, (name, found.route)
        report.add(name, time_us(partial(_path, swap, on, split)), "µs")
    venues = flow.venues_on(flow.FixedBook(book))
    for name, swap in (
        ("best_route, 0.1 SOL", small),
        ("best_route, 500 SOL", big),
        ("best_route, ORCA to JUP, $15", small_legs),
        ("best_route, ORCA to JUP, $75,000", big_legs),
    ):
        report.add(name, asyncio.run(time_best_route(swap, venues)), "µs")
    return report


def _path(swap: Swap, book: PoolBook, split: bool) -> Path:
    cost = flow.LEG_COST_LAMPORTS
    return best_path(swap, book, allow_split=split, leg_cost_lamports=cost)


def time_market() -> Report:
    """Time what the market does in a slot, in memory."""
    chain = Chain({pool.id: pool for pool in genesis_pools()}, flow.RULES)
    samples: list[float] = []
    for slot in range(1, _MARKET_SLOTS + 1):
        started = perf_counter_ns()
        chain.move_market(slot)
        samples.append((perf_counter_ns() - started) / 1_000)
    report = Report(f"One market step, over {_MARKET_SLOTS:,} slots")
    report.add("median", median(samples), "µs")
    report.add("p99", percentile(samples, 99), "µs")
    report.add("trades per slot", len(chain.trades) / _MARKET_SLOTS, "")
    return report


def show_flow(went: flow.Flow) -> None:
    """Print who won how many of the orders."""
    table = Table(title=f"Who wins {flow.ORDERS:,} orders on a moving market")
    table.add_column("route")
    for name in (*flow.SIZES, "all"):
        table.add_column(name, justify="right")
    totals = {size: sum(n for (_, s), n in went.won.items() if s == size) for size in flow.SIZES}
    for route in sorted({route for route, _ in went.won}):
        counts = [went.won[route, size] for size in flow.SIZES]
        shares = [f"{n / total:.1%}" for n, total in zip(counts, totals.values(), strict=True)]
        table.add_row(route, *shares, f"{sum(counts) / flow.ORDERS:.1%}")
    table.add_row("orders", *(str(n) for n in totals.values()), str(flow.ORDERS), end_section=True)
    Console().print(table)
    report = Report("The same orders")
    for outcome, count in went.outcomes.most_common():
        report.add(f"ended {outcome}", count, "orders")
    report.add(
        "gain of both venues over the better one, median", median(went.split_gains_bps), "bps"
    )
    report.add("gain of both venues over the better one, most", max(went.split_gains_bps), "bps")
    distances = [float(bps) for bps in went.distances_bps]
    report.add("distance of SOL/USDC prices, median", median(distances), "bps")
    report.add("distance of SOL/USDC prices, p95", percentile(distances, 95), "bps")
    report.add("distance of SOL/USDC prices, most", max(distances), "bps")
    report.add("atoms made or lost", went.atoms_made_or_lost, "", at_most=0)
    report.show()


def main() -> int:
    for measure in (time_swaps, time_routes, time_quotes, time_market):
        measure().show()
    try:
        time_slots().show()
    except BenchFailed as failure:
        print(f"bench.devnet: FAILED: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    went = flow.run_flow()
    show_flow(went)
    return int(went.atoms_made_or_lost > 0)


if __name__ == "__main__":
    sys.exit(main())
