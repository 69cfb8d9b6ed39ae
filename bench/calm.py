"""One order at a time at a calm pace, with the delays the engine has by default."""

from bench import witness
from bench.load import submit_at_pace
from bench.report import Report
from bench.stack import Engine
from bench.usage import cpu_between, cpu_seconds

PER_SECOND = 5


async def measure_calm(engine: Engine, count: int, report: Report) -> None:
    """Submit `count` orders at PER_SECOND and see when each was SUBMITTED and CONFIRMED."""
    before = cpu_seconds(engine.processes())
    submitted = await submit_at_pace(engine.url, count, per_second=PER_SECOND, prefix="calm")
    spent = cpu_between(before, cpu_seconds(engine.processes()))
    await witness.wait_until_done(engine.database_url)
    report.section(f"One order alone, {PER_SECOND} a second, default delays")
    for status in ("SUBMITTED", "CONFIRMED"):
        reached = await witness.reached_at(engine.database_url, submitted, status)
        took = submitted.until_ms(reached)
        report.add_percentiles(f"submit to {status}", took, "ms", at_most=(None, None))
    report.add_percentiles("answer", submitted.latencies_ms, "ms", at_most=(None, None))
    seconds = max(submitted.answered) - submitted.began
    report.add("CPU meanwhile, all processes", sum(spent.values()) / seconds * 100, "% of a core")
