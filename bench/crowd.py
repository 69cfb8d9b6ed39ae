"""Time quotes while the book also holds thousands of pools of pairs that nobody asks about."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count, islice
from statistics import median
from time import perf_counter_ns

from bench import flow
from bench.pools import time_us
from bench.report import Report
from engine.devnet.chain import CHAIN
from engine.devnet.genesis import genesis_pools
from engine.devnet.launch import scheduled_launch
from engine.pools.book import PoolBook, Pools
from engine.pools.listed import ListedPool
from engine.swaps.swap import Swap
from engine.tokens import JUP, ORCA, SOL, USDC
from engine.venues.routing import best_route
from engine.venues.venue import Venue

LAUNCHED = 10_000
MOST_TIMES_SLOWER = 1.5
"""How much dearer a quote may be among them: what no pair asks for should cost nothing."""

_QUOTES = 500
_TRADED = ("raydium:SOL-USDC", "meteora:SOL-USDC", "raydium:JUP-USDC", "meteora:JUP-USDC")


def time_quotes() -> Report:
    """Time the search for the best route with few and with many pools of other pairs."""
    report = Report(f"One best route of both venues, alone and beside {LAUNCHED:,} launched pools")
    few = {pool.id: pool for pool in genesis_pools()}
    many = few | {pool.id: pool for pool in islice(_launched(), LAUNCHED)}
    for held in (few, many):
        pools = Pools(held)
        traded = [pools[id] for id in _TRADED]
        took = time_us(partial(pools.with_changed, traded))
        report.add(f"a slot's trades, {len(pools):,} pools", took, "µs")
    for name, swap in (
        ("SOL to USDC, 0.1 SOL", flow.swap_of(SOL, USDC, 15)),
        ("SOL to USDC, 500 SOL", flow.swap_of(SOL, USDC, 75_000)),
        ("JUP to USDC, $15", flow.swap_of(JUP, USDC, 15)),
        ("ORCA to JUP over a hub, $15", flow.swap_of(ORCA, JUP, 15)),
    ):
        alone, beside = (
            asyncio.run(time_best_route(swap, flow.venues_on(flow.FixedBook(book))))
            for book in (PoolBook(CHAIN, 1, few), PoolBook(CHAIN, 1, many))
        )
        report.add(f"{name}, {len(few)} pools", alone, "µs")
        report.add(f"{name}, {len(many):,} pools", beside, "µs")
        report.add(f"{name}, times slower", beside / alone, "", at_most=MOST_TIMES_SLOWER)
    return report


async def time_best_route(swap: Swap, venues: Sequence[Venue]) -> float:
    """Return the µs of one quote of all venues, the median of many."""
    samples: list[float] = []
    for _ in range(_QUOTES):
        started = perf_counter_ns()
        await best_route(swap, venues, deadline_ms=10_000, leg_cost_lamports=flow.LEG_COST_LAMPORTS)
        samples.append((perf_counter_ns() - started) / 1_000)
    return median(samples)


def _launched() -> Iterator[ListedPool]:
    for slot in count(1):
        yield scheduled_launch(flow.SEED, slot)
