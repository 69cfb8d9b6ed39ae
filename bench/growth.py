"""python -m bench.growth: whether the engine stays as fast when it has ten million orders.

Every request goes to two apis, one on the long history and one on a history just long enough to
fill a page, by turns: what else the machine does disturbs both. Disk: about 6.5 kB an order.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from sqlalchemy import text

from bench import witness
from bench.laying import lay
from bench.lives import live
from bench.load import submit_at_pace, submit_orders
from bench.pages import Laid, explain, measure_order, measure_pages
from bench.report import Report, percentile
from bench.stack import NO_DELAY, BenchFailed, Engine, Servers, run_servers
from models.database import open_database
from wiring.loop import use_fast_loop

SLOWER_AT_MOST = 1.5
_SMALL = 20_000
_PLANS = 8
_PACED, _PER_SECOND = 300, 20
_JSON = Path(__file__).parent.parent / ".bench" / "growth.json"
_TABLES = text("""
SELECT relname AS name, n_live_tup AS live, n_dead_tup AS dead, n_tup_upd AS updated,
    n_tup_hot_upd AS hot, autovacuum_count AS vacuumed, pg_table_size(relid) / 1e6 AS heap_mb,
    pg_indexes_size(relid) / 1e6 AS index_mb
FROM pg_stat_user_tables WHERE n_live_tup + n_dead_tup + n_tup_upd > 0
ORDER BY pg_total_relation_size(relid) DESC LIMIT 4
""")
_SETTLING_SECONDS = 2  # Postgres reports its counts late


async def measure(orders: int, executed: int, requests: int, report: Report) -> None:
    """Lay both histories, then ask both for the same."""
    with run_servers() as servers:
        await live(servers, "lives")
        await servers.create_database("small", template="lives")
        await servers.create_database("long", template="lives")
        small_span = await lay(servers.database_url("small"), _SMALL)
        began = time.monotonic()
        long_span = await lay(servers.database_url("long"), orders)
        report.section(f"{orders:,} orders laid")
        report.add("COPY, indexes, vacuum", time.monotonic() - began, "s")
        await _add_tables(servers, "long", report)
        async with (
            Engine.running(servers, "small", NO_DELAY, ["api"]) as small,
            Engine.running(servers, "long", NO_DELAY, ["api"]) as long,
        ):
            both = Laid(small, small_span), Laid(long, long_span)
            await measure_order(*both, requests, report, SLOWER_AT_MOST)
            slow = await measure_pages(*both, requests, report, SLOWER_AT_MOST)
        await _execution(servers, report)
        for wanted in slow[:_PLANS]:
            await explain(servers.database_url("long"), wanted)
        await _after_executing(servers, executed, report)


async def _execution(servers: Servers, report: Report) -> None:
    """Submit to either, one at a time and then as much as it can do."""
    answers: dict[str, list[float]] = {"small": [], "long": []}
    sent: dict[str, list[float]] = {"small": [], "long": []}
    for turn, name in enumerate(("small", "long") * 2):
        async with Engine.running(servers, name, NO_DELAY) as engine:
            await submit_orders(engine.url, 200, in_flight=8, prefix=f"warm-{turn}")
            paced = await submit_at_pace(
                engine.url, _PACED, per_second=_PER_SECOND, prefix=f"paced-{turn}"
            )
            await witness.wait_until_done(engine.database_url)
            reached = await witness.reached_at(engine.database_url, paced, "SUBMITTED")
            answers[name] += paced.latencies_ms
            sent[name] += paced.until_ms(reached)
    report.section(f"Submit and execute, {_PER_SECOND} a second: p99")
    for what, ms in (("submit, answer", answers), ("submit to SUBMITTED", sent)):
        small, long = percentile(ms["small"], 99), percentile(ms["long"], 99)
        report.add(f"{what}, short history", small, "ms")
        report.add(f"{what}, long history", long, "ms", at_most=SLOWER_AT_MOST * small)


async def _after_executing(servers: Servers, count: int, report: Report) -> None:
    """Execute many orders and see whether vacuum keeps up with what their steps leave."""
    await servers.create_database("executed")
    async with Engine.running(servers, "executed", NO_DELAY) as engine:
        submitted = await submit_orders(engine.url, count, in_flight=32, prefix="executed")
        await witness.wait_until_done(engine.database_url)
        ended = await witness.reached_at(engine.database_url, submitted, "CONFIRMED")
    await asyncio.sleep(_SETTLING_SECONDS)
    report.section(f"After {count:,} orders were executed")
    report.add("whole orders", count / (max(ended.values()) - submitted.began), "1/s")
    await _add_tables(servers, "executed", report)
    await witness.verify(engine.database_url, orders=count)


async def _add_tables(servers: Servers, database: str, report: Report) -> None:
    async with (
        open_database(servers.database_url(database), pool_size=1) as opened,
        opened.connect() as connection,
    ):
        for table in await connection.execute(_TABLES):
            report.add(f"{table.name}: rows", table.live, "")
            report.add(f"{table.name}: table", float(table.heap_mb), "MB")
            report.add(f"{table.name}: indexes", float(table.index_mb), "MB")
            if table.updated:
                report.add(f"{table.name}: dead rows", table.dead, "")
                report.add(f"{table.name}: updates", table.updated, "")
                report.add(f"{table.name}: of them HOT", 100 * table.hot / table.updated, "%")
                report.add(f"{table.name}: autovacuums", table.vacuumed, "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000_000, help="orders to lay")
    parser.add_argument("--executed", type=int, default=200_000, help="orders to execute")
    parser.add_argument("--requests", type=int, default=100, help="pages asked for per filter")
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write the numbers")
    given = parser.parse_args()
    report = Report("Growth", settings={"orders": given.orders, "requests": given.requests})
    try:
        use_fast_loop()
        asyncio.run(measure(given.orders, given.executed, given.requests, report))
    except BenchFailed as failure:
        print(f"bench.growth: FAILED: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    finally:  # it took long: what was measured is shown however the rest went
        report.show()
        report.write(given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
