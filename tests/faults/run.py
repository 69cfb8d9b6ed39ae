"""A run of faults under load: first one by one, then mixed, then the checks.

The seed makes the schedule: which faults, in which order, with which pauses and victims.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from tests.faults import checks
from tests.faults.checks import Verdict
from tests.faults.clients import Clients, Record, is_poison
from tests.faults.injectors import IN_SMALL, LONG, ONCE, Ground, Inject, NotInjected
from tests.faults.machine import FAST, Machine
from tests.faults.report import Row, quantile, table

READY_SECONDS = 30

_WORKER_DEATHS = ("worker killed", "all workers killed")
_MEMORY_GROWTH = 1.2
_LATEST_CUT_SECONDS = 8.0
_OWED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does."""

    seed: int
    minutes: float = 0.0
    per_second: float = 8.0
    end_seconds: float = 150.0
    """How long after the load every order has to have ended: the transactions' validity, and
    what is left of leases and retries."""
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
    rows: list[Row] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    memory_mb: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [
            table(self.rows),
            "",
            f"{self.orders} orders in {self.seconds:.0f} s: "
            + ", ".join(f"{n} {how}" for how, n in sorted(self.ended.items())),
            "memory MB before and after: "
            + ", ".join(f"{name} {a:.0f} → {b:.0f}" for name, (a, b) in self.memory_mb.items()),
        ]
        said += [f"not injected: {why}" for why in self.not_injected]
        said += [
            f"BROKEN {check}: {len(found)}, e.g. {'; '.join(found[:3])}"
            for check, found in self.broken.items()
        ]
        said.append("clean" if not self.broken else "NOT CLEAN")
        return "\n".join(said)


async def run(
    plan: Plan,
    *,
    say: Callable[[str], None],
    faults: dict[str, Inject] | None = None,
    breakage: str | None = None,
) -> Outcome:
    """Carry out a plan on a stack of its own."""
    rng = random.Random(plan.seed)
    outcome, began = Outcome(plan), time.monotonic()
    settings = FAST if plan.fast else {}
    async with Machine(breakage=breakage, **settings) as machine:
        say(f"the stack is up after {time.monotonic() - began:.1f} s, logs in {machine.directory}")
        async with Clients(machine.url, random.Random(rng.random())) as clients:
            ground = Ground(machine, clients, random.Random(rng.random()))
            clients.start(per_second=plan.per_second)
            await _some_orders(clients, 30 if plan.fast else 120)
            memory = _memory(machine)
            injector = _Injector(ground, outcome, say)
            await _one_by_one(injector, plan.faults if faults is None else faults, rng)
            await _mixed(injector, plan, rng)
            await clients.stop()
            say(f"load over; {clients.following} orders are still followed")
            began_ending = time.monotonic()
            await injector.ready("the load")
            await clients.all_ended(plan.end_seconds)
            database = await machine.database()
            left = plan.end_seconds - (time.monotonic() - began_ending)
            await checks.all_terminal(database, max(left, 1))
            say(f"all ended {time.monotonic() - began_ending:.1f} s after the load")
            outcome.memory_mb = {
                name: (memory[name], now) for name, now in _memory(machine).items()
            }
            verdict = await checks.verify(database, [*clients.records, *clients.others])
            await _tell(outcome, verdict, clients.records, database)
            await database.close()
            outcome.seconds = time.monotonic() - began
            if outcome.broken:
                _keep_logs(machine, say)
    return outcome


class _Injector:
    def __init__(self, ground: Ground, outcome: Outcome, say: Callable[[str], None]) -> None:
        self.ground = ground
        self._outcome = outcome
        self._say = say

    async def inject(self, fault: str, inject: Inject) -> Injection | None:
        in_flight = self.ground.clients.in_flight
        injection = Injection(fault, time.time(), 0.0, in_flight)
        try:
            injection.over = await inject(self.ground)
        except NotInjected as why:
            self._outcome.not_injected.append(f"{fault}: {why}")
            return None
        except TimeoutError:
            self._outcome.broken.setdefault("faults that were not over in time", []).append(fault)
            return None
        injection.ended = time.time()
        self._outcome.injections.append(injection)
        self._say(f"{fault}, {len(in_flight)} orders in flight")
        return injection

    async def ready(self, after: str) -> None:
        """Wait until the API is well again: that streams are live is a part of that."""
        try:
            await self.ground.machine.ready(READY_SECONDS)
        except TimeoutError:
            self._outcome.broken.setdefault("not ready again in time", []).append(after)


async def _one_by_one(injector: _Injector, faults: dict[str, Inject], rng: random.Random) -> None:
    order = sorted(faults)
    rng.shuffle(order)
    for fault in order:
        await _some_orders(injector.ground.clients, 4)
        injection = await injector.inject(fault, faults[fault])
        await injector.ready(fault)
        if injection is not None:
            await _recovered(injector.ground, injection.over)


async def _mixed(injector: _Injector, plan: Plan, rng: random.Random) -> None:
    """Inject at random, each soon after the last began, for the minutes asked."""
    injector.ground.mixed = True
    until = time.monotonic() + plan.minutes * 60
    under_way: set[asyncio.Task[object]] = set()
    while time.monotonic() < until:
        fault = rng.choice(sorted(LONG))
        task: asyncio.Task[object] = asyncio.create_task(injector.inject(fault, LONG[fault]))
        under_way.add(task)
        await asyncio.sleep(rng.uniform(1, 8))
        for done in [task for task in under_way if task.done()]:
            under_way.discard(done)
            done.result()
        while len(under_way) > 2:
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            under_way = {task for task in under_way if not task.done()}
    if under_way:
        await asyncio.wait(under_way)
        await injector.ready("the mixture")


async def _some_orders(clients: Clients, count: int) -> None:
    """Wait until so many more orders have been placed."""
    wanted = len(clients.records) + count
    while len(clients.records) < wanted:
        await asyncio.sleep(0.02)


async def _recovered(ground: Ground, over: float) -> None:
    """Wait until every order in flight has made a step, or not: the checks come at the end."""
    database = await ground.machine.database()
    try:
        async with asyncio.timeout(_OWED_SECONDS):
            while await checks.owed(database, over):
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
    finally:
        await database.close()


def _memory(machine: Machine) -> dict[str, float]:
    return {name: machine.memory_mb(name) for name in ("api", *machine.workers)}


async def _tell(
    outcome: Outcome, verdict: Verdict, records: list[Record], database: asyncpg.Connection
) -> None:
    outcome.orders = len(records)
    outcome.ended = dict(verdict.ended)
    outcome.broken |= verdict.broken
    lost = _ids(verdict, "orders that did not end", "orders that were answered and are not there")
    doubled = _ids(verdict, "landed twice")
    rows: dict[str, Row] = {}
    for injection in outcome.injections:
        row = rows.setdefault(injection.fault, Row(injection.fault))
        row.injected += 1
        row.in_flight += len(injection.in_flight)
        row.lost += sum(record.id in lost for record in injection.in_flight)
        row.doubled += sum(record.id in doubled for record in injection.in_flight)
        latest = injection.ended + _LATEST_CUT_SECONDS
        cut = [r for r in records if any(injection.began <= at <= latest for at in r.cuts)]
        row.cut += len(cut)
        row.completed += sum(bool(record.ended) for record in cut)
        row.recoveries += await checks.recovery_seconds(database, injection.over)
    outcome.rows = sorted(rows.values(), key=lambda row: row.fault)
    deaths = [s for row in outcome.rows if row.fault in _WORKER_DEATHS for s in row.recoveries]
    alone = outcome.plan.minutes == 0
    if alone and deaths and quantile(deaths, 0.99) > outcome.plan.recovery_seconds:
        outcome.broken["recovery from a worker's death"] = [f"p99 {quantile(deaths, 0.99):.1f} s"]
    for name, (before, after) in outcome.memory_mb.items():
        if after > before * _MEMORY_GROWTH:
            outcome.broken[f"memory of {name}"] = [f"{before:.0f} → {after:.0f} MB"]
    late = [r.client_order_id for r in records if is_poison(r) and r.status not in (None, "FAILED")]
    if late:
        outcome.broken["poison"] = late


def _ids(verdict: Verdict, *names: str) -> set[str]:
    return {said.split()[0] for name in names for said in verdict.broken.get(name, ())}


def _keep_logs(machine: Machine, say: Callable[[str], None]) -> None:
    import shutil
    import tempfile
    from pathlib import Path

    kept = Path(tempfile.mkdtemp(prefix="order-engine-faults-logs-"))
    for log in machine.directory.glob("*.log"):
        shutil.copy(log, kept)
    say(f"the logs are kept in {kept}")
