"""Submits: how many a second an api takes by itself, and how long one after the other takes."""

from bench.load import submit_orders
from bench.report import Report
from bench.stack import Engine


async def measure_submits_alone(engine: Engine, count: int, report: Report) -> None:
    """Submit to an api that has no worker beside it."""
    submitted = await submit_orders(engine.url, count, in_flight=32, prefix="alone")
    report.section("Submits alone, 32 in flight, no worker")
    report.add("answered", submitted.per_second, "1/s", at_least=1_700)
    report.add_percentiles("answer", submitted.latencies_ms, "ms", at_most=(None, 40))


async def measure_one_by_one(engine: Engine, count: int, report: Report) -> None:
    """Submit one after the other to a whole engine, which executes what it has meanwhile."""
    submitted = await submit_orders(engine.url, count, in_flight=1, prefix="one-by-one")
    report.section("Submits one by one, executed meanwhile")
    report.add_percentiles("answer", submitted.latencies_ms, "ms", at_most=(3, 8))
