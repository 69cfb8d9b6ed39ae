"""What a run was to do, what it did, and whether that is good."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from tests.faults import checks
from tests.faults.catalogue import IN_SMALL, LONG, ONCE
from tests.faults.checks import Verdict
from tests.faults.ground import Inject
from tests.faults.record import Record
from tests.faults.report import Row, quantile, table

_DEATHS = ("worker killed", "all workers killed")
_DEATH_AT = "killed worker: "
_MEMORY_GROWTH = 1.2
_SLOWEST = 5
_LATEST_CUT_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does."""

    seed: int
    minutes: float = 0.0
    per_second: float = 8.0
    end_seconds: float = 240.0
    """How long after the load every order has to have ended: three attempts, each for as long as
    its transaction is valid, and what is left of leases and backoff."""
    recovery_seconds: float = 10.0
    """G8: between a worker's death and the next step of 99 in 100 of the orders in flight."""
    fast: bool = False

    @property
    def faults(self) -> dict[str, Inject]:
        return dict(IN_SMALL) if self.fast else {**LONG, **ONCE}


SHORT_PLAN = Plan(seed=1, per_second=5, end_seconds=45, recovery_seconds=30, fast=True)
"""In small: a starved machine may take as long to start a process as G8 allows for all."""


@dataclass(slots=True)
class Injection:
    """One fault as it was injected."""

    fault: str
    mixed: bool
    began: float
    over: float
    in_flight: list[Record]
    ended: float = 0.0


@dataclass(slots=True)
class Outcome:
    """What a run showed."""

    plan: Plan
    seconds: float = 0.0
    orders: int = 0
    injections: list[Injection] = field(default_factory=list)
    not_injected: list[str] = field(default_factory=list)
    tables: dict[bool, list[Row]] = field(default_factory=dict)
    """By whether the faults were mixed."""
    broken: dict[str, list[str]] = field(default_factory=dict)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)
    memory_mb: dict[str, tuple[float, float]] = field(default_factory=dict)
    peaks_mb: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [
            *(
                f"{'mixed' if mixed else 'one by one'}\n{table(rows)}\n"
                for mixed, rows in self.tables.items()
            ),
            f"{self.orders} orders in {self.seconds:.0f} s: "
            + ", ".join(f"{n} {how}" for how, n in sorted(self.ended.items())),
            "memory MB before and after: "
            + ", ".join(
                f"{name} {a:.0f} → {b:.0f}"
                for name, (a, b) in {**self.memory_mb, **self.peaks_mb}.items()
            ),
        ]
        said += [f"slow: {seconds:.1f} s after {where}" for seconds, where in self.slowest]
        said += [f"not injected: {why}" for why in self.not_injected]
        said += [
            f"BROKEN {check}: {len(found)}, e.g. {'; '.join(found[:3])}"
            for check, found in self.broken.items()
        ]
        said.append("clean" if not self.broken else "NOT CLEAN")
        return "\n".join(said)


async def judge(
    outcome: Outcome, verdict: Verdict, records: Sequence[Record], database: asyncpg.Connection
) -> None:
    """Write into the outcome what came of its faults, and what is broken."""
    outcome.orders = len(records)
    outcome.ended = dict(verdict.ended)
    outcome.broken |= verdict.broken
    for mixed in (False, True):
        injections = [i for i in outcome.injections if i.mixed is mixed]
        if injections:
            outcome.tables[mixed] = await _rows(outcome, injections, verdict, records, database)
    outcome.slowest = sorted(outcome.slowest, reverse=True)[:_SLOWEST]
    alone = outcome.tables.get(False, ())
    deaths = [s for row in alone if _is_death(row.fault) for s in row.recoveries]
    if deaths and quantile(deaths, 0.99) > outcome.plan.recovery_seconds:
        outcome.broken["recovery from a worker's death"] = [f"p99 {quantile(deaths, 0.99):.1f} s"]
    for name, (before, after) in outcome.memory_mb.items():
        if before and after > before * _MEMORY_GROWTH:
            outcome.broken[f"memory of {name}"] = [f"{before:.0f} → {after:.0f} MB"]


async def _rows(
    outcome: Outcome,
    injections: Sequence[Injection],
    verdict: Verdict,
    records: Sequence[Record],
    database: asyncpg.Connection,
) -> list[Row]:
    lost = _ids(verdict, "orders that did not end", "orders that were answered and are not there")
    doubled = _ids(verdict, "landed twice")
    rows: dict[str, Row] = {}
    for injection in injections:
        row = rows.setdefault(injection.fault, Row(injection.fault))
        row.injected += 1
        row.in_flight += len(injection.in_flight)
        row.lost += sum(record.id in lost for record in injection.in_flight)
        row.doubled += sum(record.id in doubled for record in injection.in_flight)
        latest = injection.ended + _LATEST_CUT_SECONDS
        cut = [r for r in records if any(injection.began <= at <= latest for at in r.cuts)]
        row.cut += len(cut)
        row.completed += sum(bool(record.ended) for record in cut)
        recoveries = await checks.recoveries(database, injection.over)
        row.recoveries += [seconds for seconds, _ in recoveries]
        outcome.slowest += [(s, f"{injection.fault}: {place}") for s, place in recoveries]
    return sorted(rows.values(), key=lambda row: row.fault)


def _is_death(fault: str) -> bool:
    """Say whether workers died of it, and once: the one in the sweep dies after all others did."""
    return fault in _DEATHS or (fault.startswith(_DEATH_AT) and not fault.endswith("sweep"))


def _ids(verdict: Verdict, *names: str) -> set[str]:
    return {said.split()[0] for name in names for said in verdict.broken.get(name, ())}
