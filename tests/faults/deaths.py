"""Faults of the engine's processes: killed, stopped, poisoned, their clocks wrong."""

import asyncio
import signal
import time

from tests.faults import hooks
from tests.faults.ground import POINT_SECONDS, Ground, Inject, NotInjected, back

HEARTBEAT_SECONDS = 10.0
"""After so long without a sign Dramatiq gives a worker's messages to others (tasks/broker.py)."""

_STOP_SECONDS = 6.5
_COMPANY, _COMPANY_SECONDS = 12, 40
_IN_HAND_SECONDS = 0.15
"""After so long most of the company are being quoted."""


def killed(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        process = ground.machine.processes[name]
        at = time.time()
        process.send(signal.SIGKILL)
        await back(process)
        return at

    return inject


async def worker_killed(ground: Ground) -> float:
    return await killed(ground.rng.choice(ground.machine.workers))(ground)


async def all_workers_killed(ground: Ground) -> float:
    processes = [ground.machine.processes[name] for name in ground.machine.workers]
    at = time.time()
    for process in processes:
        process.send(signal.SIGKILL)
    await asyncio.gather(*(back(process) for process in processes))
    return at


async def api_terminated(ground: Ground) -> float:
    process = ground.machine.processes["api"]
    old = process.pid
    at = time.time()
    process.send(signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while process.pid in (None, old):
        if time.monotonic() > deadline:
            process.send(signal.SIGKILL)  # as `order-engine up` does
        await asyncio.sleep(0.02)
    return at


async def worker_stopped(ground: Ground) -> float:
    """Stop a worker for longer than its heartbeat; it then goes on as if nothing had been."""
    process = ground.machine.processes[ground.rng.choice(ground.machine.workers)]
    at = time.time()
    process.send(signal.SIGSTOP)
    await asyncio.sleep(HEARTBEAT_SECONDS + 1)
    process.send(signal.SIGCONT)
    return at


def killed_at(point: str) -> Inject:
    async def inject(ground: Ground) -> float:
        faults = ground.machine.faults
        before = len(hooks.deaths(faults))
        hooks.arm(faults, point)
        for kind in ("market", "limit", "market"):
            ground.clients.place(kind=kind)  # so that somebody comes by
        deadline = time.monotonic() + POINT_SECONDS
        while len(deaths := hooks.deaths(faults)) == before:
            if time.monotonic() > deadline:
                hooks.disarm(faults, point)
                raise NotInjected(f"nobody came to {point}")
            await asyncio.sleep(0.05)
        return deaths[before][0]

    return inject


async def inside_the_sweep(ground: Ground) -> float:
    """The sweep is at work only when there is something to sweep: orders that lost their worker."""
    for _ in range(_COMPANY):
        ground.clients.place(kind="market")
    await asyncio.sleep(_IN_HAND_SECONDS)
    await all_workers_killed(ground)
    return await killed_at(hooks.POINTS[7])(ground)


def poisoned(step: str) -> Inject:
    """A step that kills its process each time; those routed beside it have to get through."""

    async def inject(ground: Ground) -> float:
        company = [ground.clients.place(kind="market") for _ in range(_COMPANY)]
        ground.clients.place(prefix=hooks.poison(step), kind="market")
        deadline = time.monotonic() + _COMPANY_SECONDS
        while time.monotonic() < deadline and not all(record.ended for record in company):
            await asyncio.sleep(0.05)
        for record in company:
            if record.status != "CONFIRMED" and not ground.mixed:  # else others kill workers too
                record.wrong.append(f"{record.status} in time beside a poisonous order")
        return time.time()

    return inject


async def skewed(ground: Ground) -> float:
    """A worker an hour ahead of everybody, or behind."""
    skew = ground.rng.choice((3_600, -3_600))
    name = f"worker-skewed-{ground.rng.randrange(10**6)}"
    ground.machine.add(name, FAULTS_CLOCK_SKEW_SECONDS=str(skew))
    await asyncio.sleep(8)
    await ground.machine.remove(name)
    return time.time()
