"""Whole orders, submitted and executed together: how many a second, and what each costs whom."""

import os

from bench import witness
from bench.load import submit_orders
from bench.report import Report
from bench.stack import Engine
from bench.usage import cpu_between, cpu_seconds, own_cpu_seconds

ALL_MS = {32: 1.35, 128: 1.2}
"""The most CPU an order may cost over all processes, by the orders in flight."""
RATE = {32: 1_200, 128: 1_500}
_PROCESS_MS = {"api": 0.6, "worker": 0.4, "postgres": 0.3}
_REST, _REST_MS = ("redis", "clock"), 0.05


async def measure_whole(engine: Engine, count: int, in_flight: int, report: Report) -> float:
    """Execute `count` orders, each by a mutation of its own; return how many a second."""
    prefix = f"whole-{in_flight}"
    before, client = cpu_seconds(engine.processes()), own_cpu_seconds()
    submitted = await submit_orders(engine.url, count, in_flight=in_flight, prefix=prefix)
    client = own_cpu_seconds() - client  # waiting for the end is not the client's
    await witness.wait_until_done(engine.database_url)
    spent = cpu_between(before, cpu_seconds(engine.processes()))
    ended = await witness.reached_at(engine.database_url, submitted, "CONFIRMED")
    rate = count / (max(ended.values()) - submitted.began)
    report.section(f"Whole orders, {in_flight} in flight")
    report.add("submitted and executed together", rate, "1/s", at_least=RATE[in_flight])
    report.add("per core", rate / (os.cpu_count() or 1), "1/s")
    add_costs(spent, count, report, ALL_MS[in_flight])
    report.add("CPU per order, the bench itself, not in the sum", client / count * 1000, "ms")
    return rate


def add_costs(spent: dict[str, float], count: int, report: Report, most_ms: float) -> None:
    """Add the CPU per order of all processes and of each."""
    cost = {name: seconds / count * 1000 for name, seconds in spent.items()}
    report.add("CPU per order, all processes", sum(cost.values()), "ms", at_most=most_ms)
    for name, ms in cost.items():
        report.add(f"CPU per order, {name}", ms, "ms", at_most=_PROCESS_MS.get(name))
    rest = sum(cost[name] for name in _REST)
    report.add(f"CPU per order, {' and '.join(_REST)} together", rest, "ms", at_most=_REST_MS)
