"""The faults, each a coroutine that brings one on, waits out its time and takes it away again."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.api.live_server import DeafClient
from tests.faults import hooks
from tests.faults.clients import Clients, Record
from tests.faults.machine import Machine

HEARTBEAT_SECONDS = 10.0
"""After so long without a sign Dramatiq gives a worker's messages to others (tasks/broker.py)."""

_POINT_SECONDS = 15
_STOP_SECONDS = 6.5
_COMPANY = 12
_BURSTS, _BURST = 3, 25
_FOLLOWERS = 20


@dataclass(slots=True)
class Ground:
    """What a fault may touch, and whether others are at it too."""

    machine: Machine
    clients: Clients
    rng: random.Random
    mixed: bool = False


Inject = Callable[[Ground], Awaitable[float]]
"""Returns since when the cause is gone, from which recovery counts; seconds since the epoch."""


class NotInjected(Exception):
    """The fault did not come about, so that nothing was tested."""


def _killed(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        process = ground.machine.processes[name]
        at = time.time()
        process.send(signal.SIGKILL)
        await _back(process)
        return at

    return inject


async def _worker_killed(ground: Ground) -> float:
    return await _killed(ground.rng.choice(ground.machine.workers))(ground)


async def _all_workers_killed(ground: Ground) -> float:
    processes = [ground.machine.processes[name] for name in ground.machine.workers]
    at = time.time()
    for process in processes:
        process.send(signal.SIGKILL)
    await asyncio.gather(*(_back(process) for process in processes))
    return at


async def _api_terminated(ground: Ground) -> float:
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


async def _worker_stopped(ground: Ground) -> float:
    """Stop a worker for longer than its heartbeat; it then goes on as if nothing had been."""
    process = ground.machine.processes[ground.rng.choice(ground.machine.workers)]
    at = time.time()
    process.send(signal.SIGSTOP)
    await asyncio.sleep(HEARTBEAT_SECONDS + 1)
    process.send(signal.SIGCONT)
    return at


async def _redis_emptied(ground: Ground) -> float:
    async with ground.machine.redis() as redis:
        await redis.flushall()
    return time.time()


def _redis_down(seconds: float) -> Inject:
    async def inject(ground: Ground) -> float:
        process = ground.machine.processes["redis"]
        process.hold_down()
        process.send(signal.SIGKILL)
        await asyncio.sleep(seconds)
        process.let_up()
        await _back(process)
        return time.time()

    return inject


async def _postgres_stopped(ground: Ground) -> float:
    """Immediate shutdown: no checkpoint, no good-bye; it recovers from its log."""
    process = ground.machine.processes["postgres"]
    process.hold_down()
    process.send(signal.SIGQUIT)
    await asyncio.sleep(ground.rng.uniform(0.2, 2))
    process.let_up()
    await _back(process)
    await (await ground.machine.database()).close()
    return time.time()


async def _pubsub_cut(ground: Ground) -> float:
    cut = 0
    async with ground.machine.redis() as redis:
        for client in await redis.client_list(_type="pubsub"):
            cut += await redis.client_kill_filter(_id=client["id"])
    if not cut:
        raise NotInjected("nobody listened")
    return time.time()


def _reset(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        ground.machine.proxies[name].reset_all()
        return time.time()

    return inject


def _delayed(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        ground.machine.proxies[name].delay_seconds = ground.rng.uniform(0.05, 0.3)
        await asyncio.sleep(ground.rng.uniform(1, 3))
        ground.machine.proxies[name].heal()
        return time.time()

    return inject


def _swallowed(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        ground.machine.proxies[name].swallow_all()
        await asyncio.sleep(ground.rng.uniform(1, 4))
        ground.machine.proxies[name].heal()
        return time.time()

    return inject


async def _tenfold(ground: Ground) -> float:
    faults = ground.machine.faults
    hooks.switch(faults, hooks.TENFOLD, True)
    await asyncio.sleep(4)
    hooks.switch(faults, hooks.TENFOLD, False)
    return time.time()


def _killed_at(point: str) -> Inject:
    async def inject(ground: Ground) -> float:
        faults = ground.machine.faults
        before = len(hooks.deaths(faults))
        hooks.arm(faults, point)
        for kind in ("market", "limit", "market"):
            ground.clients.place(kind=kind)  # so that somebody comes by
        deadline = time.monotonic() + _POINT_SECONDS
        while len(deaths := hooks.deaths(faults)) == before:
            if time.monotonic() > deadline:
                hooks.disarm(faults, point)
                raise NotInjected(f"nobody came to {point}")
            await asyncio.sleep(0.05)
        return deaths[before][0]

    return inject


async def _inside_the_sweep(ground: Ground) -> float:
    """The sweep is at work only when there is something to sweep."""
    await _all_workers_killed(ground)
    return await _killed_at(hooks.POINTS[7])(ground)


async def _poisoned(ground: Ground) -> float:
    """A step that kills its process each time; those routed beside it have to get through."""
    company = [ground.clients.place(kind="market") for _ in range(_COMPANY)]
    poison = ground.clients.place(prefix=hooks.POISON, kind="market")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all(r.ended for r in (poison, *company)):
        await asyncio.sleep(0.05)
    for record in company:
        if record.status == "FAILED" and not ground.mixed:  # else others killed its workers too
            record.wrong.append("failed beside a poisonous order")
    return time.time()


async def _skewed(ground: Ground) -> float:
    """A worker an hour ahead of everybody, or behind."""
    skew = ground.rng.choice((3_600, -3_600))
    name = f"worker-skewed-{ground.rng.randrange(10**6)}"
    ground.machine.add(name, FAULTS_CLOCK_SKEW_SECONDS=str(skew))
    await asyncio.sleep(8)
    await ground.machine.remove(name)
    return time.time()


async def _overloaded(ground: Ground) -> float:
    """Ask for far more than may be in progress: refusals are typed, and use up no id."""
    api = ground.machine.processes["api"]
    await api.run_again({"ORDER_ENGINE_MAX_ORDERS_IN_PROGRESS": "3"})
    await ground.machine.ready()
    records: list[Record] = []
    for _ in range(_BURSTS):
        records += [ground.clients.place(kind="market") for _ in range(_BURST)]
        await asyncio.sleep(1)
    deadline = time.monotonic() + _POINT_SECONDS
    while not (refused := any("OVERLOADED" in record.refusals for record in records)):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.1)
    await api.run_again({"ORDER_ENGINE_MAX_ORDERS_IN_PROGRESS": "50000"})
    if not refused:
        raise NotInjected("nobody was refused")
    return time.time()


def _crowd(count: int, deaf: int) -> Inject:
    """Many subscribers of the same few orders, some of which never read a word."""

    async def inject(ground: Ground) -> float:
        url = ground.machine.direct_url
        host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
        clients = [await asyncio.to_thread(DeafClient, (host, int(port))) for _ in range(deaf)]
        try:
            for n, client in enumerate(clients):
                query = "subscription { orderEvents { sequence status quotes { price } } }"
                client.send({"type": "subscribe", "id": str(n), "payload": {"query": query}})
            orders = [ground.clients.place(kind="market") for _ in range(count // _FOLLOWERS)]
            followers = await ground.clients.follow_too(orders, _FOLLOWERS)
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and not all(each.ended for each in followers):
                await asyncio.sleep(0.1)
        finally:
            for client in clients:
                client.__exit__()
        return time.time()

    return inject


async def _disk_full(ground: Ground) -> float:
    """Every write is refused with the error of a full disk (53100)."""
    database = await ground.machine.database()
    try:
        await database.execute(_DISK)
        await database.execute("UPDATE faults.disk SET is_full = true")
        await asyncio.sleep(ground.rng.uniform(1, 3))
        await database.execute("UPDATE faults.disk SET is_full = false")
    finally:
        await database.close()
    return time.time()


_DISK = """
CREATE SCHEMA IF NOT EXISTS faults;
CREATE TABLE IF NOT EXISTS faults.disk (is_full boolean NOT NULL);
INSERT INTO faults.disk SELECT false WHERE NOT EXISTS (SELECT FROM faults.disk);
CREATE OR REPLACE FUNCTION faults.fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT is_full FROM faults.disk) THEN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['orders', 'order_events', 'ledger_transactions', 'devnet'] LOOP
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'disk_full_' || name) THEN
            EXECUTE format('CREATE TRIGGER disk_full_%s BEFORE INSERT OR UPDATE ON %s '
                'FOR EACH STATEMENT EXECUTE FUNCTION faults.fill()', name, name);
        END IF;
    END LOOP;
END $$;
"""


async def _back(process: object) -> None:
    async with asyncio.timeout(_POINT_SECONDS):
        await asyncio.sleep(0.1)
        while process.pid is None:  # type: ignore[attr-defined]
            await asyncio.sleep(0.02)


SHORT: Mapping[str, Inject] = {
    "worker killed": _worker_killed,
    "all workers killed": _all_workers_killed,
    "api killed": _killed("api"),
    "clock killed": _killed("clock"),
    "Redis emptied": _redis_emptied,
    "Redis down 1 s": _redis_down(1),
    "Postgres stopped at once": _postgres_stopped,
    "pub/sub connection cut": _pubsub_cut,
    "Postgres connections reset": _reset("postgres"),
    "Redis connections reset": _reset("redis"),
    "api connections reset": _reset("api"),
    "Postgres delayed": _delayed("postgres"),
    "api black-holed": _swallowed("api"),
    "messages tenfold, shuffled": _tenfold,
    "disk full": _disk_full,
    **{f"killed {point}": _killed_at(point) for point in hooks.POINTS[:7]},
}
"""Those that are over in seconds."""

LONG: Mapping[str, Inject] = {
    **SHORT,
    "api terminated": _api_terminated,
    "worker stopped 11 s": _worker_stopped,
    "Redis down 10 s": _redis_down(10),
    "Redis delayed": _delayed("redis"),
    "api delayed": _delayed("api"),
    "Redis black-holed": _swallowed("redis"),
    "Postgres black-holed": _swallowed("postgres"),
    "poisonous order": _poisoned,
    "worker an hour off": _skewed,
    f"killed {hooks.POINTS[7]}": _inside_the_sweep,
}
"""All that may be mixed at random."""

IN_SMALL: Mapping[str, Inject] = {
    **SHORT,
    "overload": _overloaded,
    "200 subscribers, 20 deaf": _crowd(200, 20),
}
"""What the short form injects."""

ONCE: Mapping[str, Inject] = {
    "Redis down 60 s": _redis_down(60),
    "overload": _overloaded,
    "2,000 subscribers, 100 deaf": _crowd(2_000, 100),
}
"""Too slow for the mixture."""
