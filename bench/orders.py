"""python -m bench.orders: what the engine does in a second, what it costs, how late it tells."""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import pgbench, witness
from bench.load import Submitted, submit_orders
from bench.report import Report, percentile
from bench.stack import BenchFailed, Engine, Servers, run_servers
from bench.streams import follow_orders
from bench.usage import cpu_between, cpu_seconds, memory_mb

IN_FLIGHT = 32
# Slots four times as fast as real ones: a transaction lands in the next. Shorter ones measure the
# clock: at 20 ms an idle worker spends a fifth of a core on slots alone.
NO_DELAY = {
    "quote_latency_ms": 0,
    "slot_ms": 100,
    "landing_slots_max": 1,
    "confirmation_slots": 0,
    "validity_slots": 600,
}
_STREAMS_PER_SECOND = 50
_SLOTS_OPEN = 150
_JSON = Path(__file__).parent.parent / ".bench" / "orders.json"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    orders: int
    backlog: int
    streams: int
    at_once: int
    pgbench_seconds: int

    @classmethod
    def of(cls, orders: int, *, short: bool) -> "Size":
        if short:
            return cls(orders, orders // 4, streams=200, at_once=200, pgbench_seconds=4)
        return cls(orders, orders // 10, streams=1_000, at_once=500, pgbench_seconds=10)


async def measure(size: Size) -> Report:
    """Run everything once, one thing after another, on servers of its own."""
    report = Report(settings={"in_flight": IN_FLIGHT, "no_delay": NO_DELAY})
    with run_servers() as servers:
        baseline = [
            await pgbench.orders_per_second(servers, "pgbench_before", seconds=size.pgbench_seconds)
        ]
        rate = await _throughput(servers, size, report)
        baseline.append(
            await pgbench.orders_per_second(servers, "pgbench_after", seconds=size.pgbench_seconds)
        )
        _compare(rate, baseline, report)
        await _streams(servers, size, report)
        await _real_slots(servers, size, report)
    return report


async def _throughput(servers: Servers, size: Size, report: Report) -> float:
    """Submit to an API alone, drain that backlog, then submit and execute together."""
    await servers.create_database("throughput")
    engine = Engine(servers, "throughput", NO_DELAY)
    try:
        engine.start("api")
        await engine.ready()
        alone = await submit_orders(engine.url, size.backlog, in_flight=IN_FLIGHT, prefix="backlog")
        _add_submits("submits alone", alone, report)
        engine.start("clock", "worker-1")
        await witness.wait_until_done(engine.database_url)
        rate = await _together(engine, size, report)
        for name, megabytes in memory_mb(engine.processes()).items():
            limit = {"api": 150.0, "worker-1": 200.0}.get(name)
            report.add(f"memory of {name}", megabytes, "MB", at_most=limit)
    finally:
        engine.stop()
    await _verify(engine, size.backlog + size.orders, report)
    return rate


async def _together(engine: Engine, size: Size, report: Report) -> float:
    before = cpu_seconds(engine.processes())
    submitted = await submit_orders(engine.url, size.orders, in_flight=IN_FLIGHT, prefix="together")
    client_done = cpu_seconds(engine.processes())["client"]
    await witness.wait_until_done(engine.database_url)
    spent = cpu_between(before, cpu_seconds(engine.processes()))
    spent["client"] = client_done - before["client"]  # waiting for the end is the bench's own
    ended = await witness.completed_at(engine.database_url, "together")
    rate = size.orders / (max(ended.values()) - submitted.began)
    report.add("whole orders, submitted and executed together", rate, "1/s")
    client = spent.pop("client")
    report.add("CPU per order, all processes", sum(spent.values()) / size.orders * 1000, "ms")
    for name, seconds in spent.items():
        report.add(f"CPU per order, {name}", seconds / size.orders * 1000, "ms")
    report.add(
        "CPU per order, the bench's client (not in the sum)", client / size.orders * 1000, "ms"
    )
    _add_submits("submits while executing", submitted, report)
    return rate


def _compare(rate: float, baseline: list[float], report: Report) -> None:
    report.add("pgbench, before", baseline[0], "1/s")
    report.add("pgbench, after", baseline[1], "1/s")
    report.add("engine / pgbench", rate / (sum(baseline) / 2), "", at_least=0.10)


async def _streams(servers: Servers, size: Size, report: Report) -> None:
    """Follow many orders at a steady pace, far below what the machine can do."""
    await servers.create_database("streams")
    slot_ms = int(1.5 * size.streams / _STREAMS_PER_SECOND * 1000 / _SLOTS_OPEN)
    engine = Engine(
        servers, "streams", {**NO_DELAY, "slot_ms": slot_ms, "confirmation_slots": _SLOTS_OPEN}
    )
    try:
        engine.start("api", "clock", "worker-1")
        await engine.ready()
        api = {"api": engine.processes()["api"]}
        followed = await follow_orders(
            engine.url,
            size.streams,
            per_second=_STREAMS_PER_SECOND,
            api_memory_mb=lambda: memory_mb(api)["api"],
        )
    finally:
        engine.stop()
    report.add("streams open at once", followed.open_at_once, "", at_least=size.streams)
    report.add("API memory per stream", followed.kb_per_stream, "kB")
    report.add("delivery p50", percentile(followed.delays_ms, 50), "ms")
    report.add("delivery p99", percentile(followed.delays_ms, 99), "ms")
    await _verify(engine, size.streams, report)


async def _real_slots(servers: Servers, size: Size, report: Report) -> None:
    """Submit many orders at once to an engine with the delays it has by default."""
    await servers.create_database("real_slots")
    engine = Engine(servers, "real_slots", {})
    try:
        engine.start("api", "clock", "worker-1")
        await engine.ready()
        submitted = await submit_orders(
            engine.url, size.at_once, in_flight=size.at_once, prefix="at-once"
        )
        await witness.wait_until_done(engine.database_url)
    finally:
        engine.stop()
    ended = await witness.completed_at(engine.database_url, "at-once")
    took = [(ended[id] - sent) * 1000 for id, sent in submitted.sent.items()]
    _add_submits(f"{size.at_once} at once, default delays: submits", submitted, report)
    report.add("submit to CONFIRMED, default delays, p50", percentile(took, 50), "ms")
    report.add("submit to CONFIRMED, default delays, p99", percentile(took, 99), "ms")
    await _verify(engine, size.at_once, report)


def _add_submits(name: str, submitted: Submitted, report: Report) -> None:
    report.add(name, submitted.per_second, "1/s")
    report.add(f"{name}, p50", percentile(submitted.latencies_ms, 50), "ms")
    report.add(f"{name}, p99", percentile(submitted.latencies_ms, 99), "ms")


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
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write the numbers")
    parser.add_argument("--orders", type=int, help="whole orders (20,000; with --short 2,000)")
    parser.add_argument("--short", action="store_true", help="about a minute instead of five")
    given = parser.parse_args()
    orders = given.orders or (2_000 if given.short else 20_000)
    try:
        report = asyncio.run(measure(Size.of(orders, short=given.short)))
    except BenchFailed as failure:
        print(f"bench.orders: FAILED: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    report.show()
    report.write(given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
