"""Pages of the history under every filter and every pair of filters, on a short and a long one."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, product
from statistics import median
from typing import Any

from rich.console import Console
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from bench.load import Connection, request
from bench.report import Report, percentile
from bench.stack import BenchFailed, Engine
from engine.orders.status import TERMINAL, OrderStatus, OrderType
from engine.tokens import GENESIS
from models.database import open_database
from models.orders.history import page_of_orders
from models.orders.step import OrderFilter

_ASK = """
query Page($filter: OrderFilter, $after: String) {
  orders(first: 20, filter: $filter, after: $after) {
    nodes { id type status tokenIn { symbol } tokenOut { symbol } amountIn amountOut createdAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""
_ORDER = "query Order($id: ID!) { order(id: $id) { id status events { sequence status } } }"
_PATIENCE_SECONDS = 3
"""After so long a filter has shown how slow it is, however few pages it gave."""
_LEAST = 10
_BATCHES = 5
_ENDED = tuple(sorted(TERMINAL))
_NOT_ENDED = tuple(sorted(set(OrderStatus) - TERMINAL))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter: as it is asked for, and in the store's terms."""

    asked: dict[str, Any]
    stored: dict[str, Any]

    def both(self, other: "Wanted") -> "Wanted":
        stored = self.stored | other.stored
        if "statuses" in self.stored and "statuses" in other.stored:
            statuses = {*self.stored["statuses"]} & {*other.stored["statuses"]}
            stored["statuses"] = tuple(sorted(statuses))
        return Wanted(self.asked | other.asked, stored)

    def __str__(self) -> str:
        return ", ".join(f"{name} {_plain(value)}" for name, value in self.asked.items())


@dataclass(frozen=True, slots=True)
class Laid:
    """An engine, and from when to when its history goes."""

    engine: Engine
    span: tuple[datetime, datetime]


def _choices(first: datetime, last: datetime) -> list[list[Wanted]]:
    """Return the choice of values of each filter, then of each pair of filters."""
    singles = _single_filters(first, last)
    pairs = combinations(singles, 2)
    return [*singles, *([a.both(b) for a, b in product(*pair)] for pair in pairs)]


def _single_filters(first: datetime, last: datetime) -> list[list[Wanted]]:
    """Return every field of the filter with values that select much and little (bench.lives)."""
    spans = (last - first) / 2, timedelta(minutes=1)
    return [
        [_one_of("status", "statuses", OrderStatus[s]) for s in ("CONFIRMED", "FAILED")],
        [
            Wanted({"isTerminal": ended}, {"statuses": _ENDED if ended else _NOT_ENDED})
            for ended in (True, False)
        ],
        [_one_of("type", "types", OrderType[t]) for t in ("MARKET", "LIMIT")],
        [_token("tokenIn", "token_in", s) for s in ("SOL", "RAY")],
        [_token("tokenOut", "token_out", s) for s in ("USDC", "JUP")],
        [Wanted({"venue": v}, {"venue": v}) for v in ("meteora", "raydium")],
        [_since("createdAfter", "created_after", last - span) for span in spans],
        [_since("createdBefore", "created_before", first + s) for s in spans],
    ]


async def measure_pages(
    small: Laid, long: Laid, requests: int, report: Report, slower_at_most: float
) -> list[Wanted]:
    """Add the worst p99 of each filter and pair of filters; return those too slow, worst first.

    A page of the small history that a filter leaves half empty is no measure: then it is held
    against a page of it without a filter.
    """
    report.section(f"History, pages of 20: p99 of {requests} with the worst values of each filter")
    slow: list[tuple[float, Wanted]] = []
    async with Connection(small.engine.url) as short, Connection(long.engine.url) as whole:
        connections, everything = (short, whole), Wanted({}, {})
        batches = [
            await _page_times(connections, (everything, everything), requests)
            for _ in range(_BATCHES)
        ]
        usual, usual_long = (median(percentile(b[n], 99) for b in batches) for n in (0, 1))
        report.add("no filter, short history", usual, "ms")
        report.add("no filter", usual_long, "ms", at_most=slower_at_most * usual)
        for choice in zip(_choices(*small.span), _choices(*long.span), strict=True):
            found = []
            for pair in zip(*choice, strict=True):
                times = await _page_times(connections, pair, requests)
                if _ratio(times, usual) > slower_at_most:  # or something else fell on it alone
                    again = await _page_times(connections, pair, 3 * requests)
                    times = times[0] + again[0], times[1] + again[1]
                found.append((_ratio(times, usual), times, pair[1]))
            ratio, times, worst = max(found, key=lambda one: one[0])
            ms = percentile(times[1], 99)
            report.add(str(worst), ms, "ms", at_most=slower_at_most * ms / ratio)
            if ratio > slower_at_most:
                slow.append((ratio, worst))
    return [wanted for _, wanted in sorted(slow, key=lambda one: -one[0])]


def _ratio(times: tuple[list[float], list[float]], usual: float) -> float:
    return percentile(times[1], 99) / max(usual, percentile(times[0], 99))


async def measure_order(
    small: Laid, long: Laid, requests: int, report: Report, slower_at_most: float
) -> None:
    """Add p99 of reading an order with its events, each of a random one."""
    p99 = []
    for engine in (small.engine, long.engine):
        ids = await _ids(engine, requests)
        async with Connection(engine.url) as connection:
            for id in ids[:_LEAST]:  # nothing is cold
                await _timed(connection, _ORDER, id=id)
            took = [await _timed(connection, _ORDER, id=id) for id in ids]
        p99.append(percentile([ms for ms, _ in took], 99))
    report.section("order(id) with its events: p99")
    report.add("short history", p99[0], "ms")
    report.add("long history", p99[1], "ms", at_most=slower_at_most * p99[0])


async def explain(url: str, wanted: Wanted) -> None:
    """Print the plan of a filter's first page."""
    query = page_of_orders("local", OrderFilter(**wanted.stored), 21, None, None, False)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    sql = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    async with open_database(url, pool_size=1) as database, database.connect() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {sql}")
        Console(width=120).print(f"\n[bold]{wanted}", *plan.scalars(), sep="\n", highlight=False)


async def _page_times(
    connections: tuple[Connection, Connection], wanted: tuple[Wanted, Wanted], requests: int
) -> tuple[list[float], list[float]]:
    """Walk down both histories by turns, from the newest page each time the end is reached."""
    times: tuple[list[float], list[float]] = ([], [])
    after: list[str | None] = [None, None]
    began = time.monotonic()
    for number in range(requests):
        for n in (0, 1):
            ms, found = await _timed(connections[n], _ASK, filter=wanted[n].asked, after=after[n])
            times[n].append(ms)
            page = found["orders"]["pageInfo"]
            after[n] = page["endCursor"] if page["hasNextPage"] else None
        if number >= _LEAST and time.monotonic() - began > _PATIENCE_SECONDS:
            break
    return times


async def _timed(connection: Connection, query: str, **variables: Any) -> tuple[float, Any]:
    body = request(query, **variables)
    began = time.perf_counter()
    answer = await connection.post(body)
    ms = (time.perf_counter() - began) * 1000
    if answer.get("errors") or None in answer["data"].values():
        raise BenchFailed(f"{variables}: {answer}")
    return ms, answer["data"]


async def _ids(engine: Engine, count: int) -> Sequence[str]:
    """Return ids from all over the history."""
    sample = text("SELECT id::text FROM orders TABLESAMPLE SYSTEM (:percent) LIMIT :count")
    async with (
        open_database(engine.database_url, pool_size=1) as database,
        database.connect() as connection,
    ):
        orders = await connection.scalar(
            text("SELECT reltuples FROM pg_class WHERE oid = 'orders'::regclass")
        )
        asked = {"percent": min(100.0, 20_000 * count / orders), "count": 100 * count}
        ids = list((await connection.execute(sample, asked)).scalars())
    return ids[:: max(1, len(ids) // count)][:count]


def _one_of(field: str, stored: str, value: OrderStatus | OrderType) -> Wanted:
    return Wanted({field: [value]}, {stored: (value,)})


def _token(field: str, stored: str, symbol: str) -> Wanted:
    return Wanted({field: symbol}, {stored: GENESIS.find(symbol).mint})


def _since(field: str, stored: str, instant: datetime) -> Wanted:
    return Wanted({field: instant.isoformat()}, {stored: instant})


def _plain(value: Any) -> str:
    return value[0] if isinstance(value, list) else json.dumps(value).strip('"')[:16]
