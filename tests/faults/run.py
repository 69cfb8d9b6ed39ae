"""A run of faults under load: first one by one, then mixed, then the checks.

The seed makes the schedule: which faults, in which order, with which pauses and victims.
"""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from tests.faults import checks
from tests.faults.catalogue import LONG
from tests.faults.clients import Clients
from tests.faults.ground import Ground, Inject, NotInjected
from tests.faults.machine import FAST, Machine
from tests.faults.outcome import Injection, Outcome, Plan, judge

READY_SECONDS = 30
_OWED_SECONDS = 60


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
    settings: dict[str, Any] = FAST if plan.fast else {}
    async with Machine(breakage=breakage, **settings) as machine:
        say(f"the stack is up after {time.monotonic() - began:.1f} s, logs in {machine.directory}")
        async with Clients(machine.url, random.Random(rng.random())) as clients:
            ground = Ground(machine, clients, random.Random(rng.random()), say)
            clients.start(per_second=plan.per_second)
            await _some_orders(clients, 30 if plan.fast else 120)
            memory = _memory(machine)
            injector = _Injector(ground, outcome, say)
            await _one_by_one(injector, plan.faults if faults is None else faults, rng)
            mixed_from = time.time()
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
            outcome.peaks_mb = ground.memory_mb
            verdict = await checks.verify(
                database,
                [*clients.records, *clients.others],
                unfollowed=clients.unfollowed,
                mixed_from=mixed_from,
            )
            outcome.broken |= ground.broken
            await judge(outcome, verdict, clients.records, database)
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
        injection = Injection(fault, self.ground.mixed, time.time(), 0.0, in_flight)
        try:
            injection.over = await inject(self.ground)
        except (NotInjected, RedisError) as why:  # in a mixture Redis may be down already
            self._outcome.not_injected.append(f"{fault}: {why}")
            return None
        except Exception as why:
            wrong = self._outcome.broken.setdefault("faults that went wrong themselves", [])
            wrong.append(f"{fault}: {why!r}")
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
    if not plan.minutes:
        return
    injector.ground.mixed = True
    until = time.monotonic() + plan.minutes * 60
    under_way: set[asyncio.Task[object]] = set()
    while time.monotonic() < until:
        fault = rng.choice(sorted(LONG))
        task: asyncio.Task[object] = asyncio.create_task(injector.inject(fault, LONG[fault]))
        under_way.add(task)
        await asyncio.sleep(rng.uniform(1, 8))
        while len(under_way) > 2:
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            under_way = {task for task in under_way if not task.done()}
    await asyncio.gather(*under_way)
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


def _keep_logs(machine: Machine, say: Callable[[str], None]) -> None:
    kept = Path(tempfile.mkdtemp(prefix="order-engine-faults-logs-"))
    for log in machine.directory.glob("*.log"):
        shutil.copy(log, kept)
    say(f"the logs are kept in {kept}")
