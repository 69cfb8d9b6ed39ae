"""python -m bench.orders: what orders cost, how many go a second, how late they are told of."""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import pgbench, witness
from bench.calm import measure_calm
from bench.idle import measure_idle
from bench.many import measure_many
from bench.report import Report
from bench.stack import NO_DELAY, BenchFailed, Engine, Servers, run_servers
from bench.streams import measure_streams
from bench.submits import measure_one_by_one, measure_submits_alone
from bench.usage import memory_mb
from bench.whole import RATE, measure_whole
from wiring.loop import use_fast_loop

_JSON = Path(__file__).parent.parent / ".bench" / "orders.json"
_MEMORY_MB = {"api": 150, "worker": 200}


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    orders: int
    submits: int
    one_by_one: int
    calm: int
    streams: int
    idle_seconds: float
    pgbench_seconds: int

    @classmethod
    def of(cls, given: argparse.Namespace) -> "Size":
        if given.short:
            idle = min(given.idle, 5)
            return cls(given.orders or 1_000, 500, 200, 15, 200, idle, pgbench_seconds=2)
        orders = given.orders or 20_000
        return cls(orders, 2_000, 1_000, 100, given.streams, given.idle, pgbench_seconds=5)


async def measure(size: Size, runs: int, report: Report) -> None:
    """Run everything that is short `runs` times; the idle machine and the streams once."""
    with run_servers() as servers:
        for run in range(1, runs + 1):
            await _orders(servers, f"run_{run}", size, report)
            await _defaults(servers, f"run_{run}_defaults", size, report, last=run == runs)
        await servers.create_database("streams")
        engine = await measure_streams(servers, "streams", size.streams, report)
        await _verify(engine, size.streams, report)


async def _orders(servers: Servers, name: str, size: Size, report: Report) -> None:
    """Without simulated delays: as much as the machine can do, between two baselines."""
    before = await _baseline(servers, f"{name}_before", size)
    await servers.create_database(name)
    async with Engine.running(servers, name, NO_DELAY, ["api"]) as engine:
        await measure_submits_alone(engine, size.submits, report)
        engine.start("worker", "clock")
        await witness.wait_until_done(engine.database_url)  # nothing is cold when time counts
        rates = {n: await measure_whole(engine, size.orders, n, report) for n in RATE}
        many = await measure_many(engine, size.orders, report)
        await measure_one_by_one(engine, size.one_by_one, report)
        await witness.wait_until_done(engine.database_url)
        report.section("After all these orders")
        for process, megabytes in memory_mb(engine.processes()).items():
            limit = _MEMORY_MB.get(process)
            report.add(f"memory, {process}", megabytes, "MB", at_most=limit)
    submitted = size.submits + len(RATE) * size.orders + many + size.one_by_one
    await _verify(engine, submitted, report)
    after = await _baseline(servers, f"{name}_after", size)
    report.section("Against pgbench with the same five statements, before and after")
    for n, rate in rates.items():
        report.add(f"pgbench, {n} clients, before", before[n], "1/s")
        report.add(f"pgbench, {n} clients, after", after[n], "1/s")
        ratio = rate / ((before[n] + after[n]) / 2)
        report.add(f"engine / pgbench, {n} in flight", ratio, "", at_least=0.9)


async def _baseline(servers: Servers, name: str, size: Size) -> dict[int, float]:
    return {
        clients: await pgbench.orders_per_second(
            servers, f"{name}_{clients}", clients=clients, seconds=size.pgbench_seconds
        )
        for clients in RATE
    }


async def _defaults(servers: Servers, name: str, size: Size, report: Report, *, last: bool) -> None:
    """With the settings the engine has by default: one order at a time, then none."""
    await servers.create_database(name)
    async with Engine.running(servers, name, {}) as engine:
        await measure_calm(engine, size.calm, report)
        if last:
            await measure_idle(engine, size.idle_seconds, report)
    await _verify(engine, size.calm, report)


async def _verify(engine: Engine, orders: int, report: Report) -> None:
    verdict = await witness.verify(engine.database_url, orders=orders)
    report.notes.append(
        f"{engine.database}: {verdict.orders:,} orders CONFIRMED, {verdict.events:,} events "
        f"gapless, one landed transaction each; {verdict.second_attempts} second attempts, "
        f"{verdict.workers_lost} WORKER_LOST"
    )
    report.notes += [f"  {count} x {said}" for said, count in engine.complaints().most_common(8)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.orders", description=__doc__)
    parser.add_argument("--runs", type=int, help="the table has the median (5; with --short 1)")
    parser.add_argument("--short", action="store_true", help="about a minute, for the shape only")
    parser.add_argument("--orders", type=int, help="whole orders at each load (20,000)")
    parser.add_argument("--streams", type=int, default=10_000, help="streams at once (10,000)")
    parser.add_argument("--idle", type=float, default=60, help="seconds to watch it idle (60)")
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write the numbers")
    parser.add_argument("--before", type=Path, help="JSON of an earlier run, shown beside")
    given = parser.parse_args()
    runs = given.runs or (1 if given.short else 5)
    report = Report("Orders", settings={"runs": runs, "no_delay": NO_DELAY})
    try:
        use_fast_loop()
        asyncio.run(measure(Size.of(given), runs, report))
    except BenchFailed as failure:
        print(f"bench.orders: FAILED: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    finally:  # it took long: what was measured is shown however the rest went
        report.show(given.before)
        report.write(given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
