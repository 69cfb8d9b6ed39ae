"""python -m bench.idle: what the default stack costs with nothing to do, per process."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from bench.report import Report
from bench.stack import BenchFailed, Engine, run_servers
from bench.usage import cpu_between, cpu_seconds

_SETTLING_SECONDS = 5
_JSON = Path(__file__).parent.parent / ".bench" / "idle.json"


async def measure_idle(engine: Engine, seconds: float, report: Report) -> None:
    """Watch a running engine that nobody asks for anything."""
    await asyncio.sleep(_SETTLING_SECONDS)
    before, began = cpu_seconds(engine.processes()), time.monotonic()
    await asyncio.sleep(seconds)
    spent = cpu_between(before, cpu_seconds(engine.processes()))
    percent = 100 / (time.monotonic() - began)
    report.section(f"Idle for {seconds:g} s, default settings")
    total = sum(spent.values()) * percent
    report.add("CPU, all processes", total, "% of a core", at_most=4)
    for name, used in spent.items():
        report.add(f"CPU, {name}", used * percent, "% of a core")


async def _run(seconds: float) -> Report:
    report = Report("Idle")
    with run_servers() as servers:
        await servers.create_database("idle")
        async with Engine.running(servers, "idle", {}) as engine:
            await measure_idle(engine, seconds, report)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    try:
        report = asyncio.run(_run(parser.parse_args().seconds))
    except BenchFailed as failure:
        print(f"bench.idle: FAILED: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    report.show()
    report.write(_JSON)
    return 0


if __name__ == "__main__":
    sys.exit(main())
