"""Faults of the servers and of the networks between: down, reset, delayed, silent, full."""

import asyncio
import signal
import time

import asyncpg

from tests.faults.ground import POINT_SECONDS, Ground, Inject, NotInjected, back

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


async def redis_emptied(ground: Ground) -> float:
    async with ground.machine.redis() as redis:
        await redis.flushall()
    return time.time()


def redis_down(seconds: float) -> Inject:
    async def inject(ground: Ground) -> float:
        process = ground.machine.processes["redis"]
        process.hold_down()
        process.send(signal.SIGKILL)
        await asyncio.sleep(seconds)
        process.let_up()
        await back(process)
        return time.time()

    return inject


async def postgres_stopped(ground: Ground) -> float:
    """Immediate shutdown: no checkpoint, no good-bye; it recovers from its log."""
    process = ground.machine.processes["postgres"]
    process.hold_down()
    process.send(signal.SIGQUIT)
    await asyncio.sleep(ground.rng.uniform(0.2, 2))
    process.let_up()
    await back(process)
    await (await ground.machine.database()).close()
    return time.time()


async def pubsub_cut(ground: Ground) -> float:
    cut = 0
    async with ground.machine.redis() as redis:
        for client in await redis.client_list(_type="pubsub"):
            cut += await redis.client_kill_filter(_id=client["id"])
    if not cut:
        raise NotInjected("nobody listened")
    return time.time()


def reset(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        ground.machine.proxies[name].reset_all()
        return time.time()

    return inject


def delayed(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        ground.machine.proxies[name].delay_seconds = ground.rng.uniform(0.05, 0.3)
        await asyncio.sleep(ground.rng.uniform(1, 3))
        ground.machine.proxies[name].heal()
        return time.time()

    return inject


def swallowed(name: str) -> Inject:
    async def inject(ground: Ground) -> float:
        ground.machine.proxies[name].swallow_all()
        await asyncio.sleep(ground.rng.uniform(1, 4))
        ground.machine.proxies[name].heal()
        return time.time()

    return inject


async def disk_full(ground: Ground) -> float:
    """Every write is refused with the error of a full disk (53100)."""
    await _sql(ground, _DISK)
    await _sql(ground, "UPDATE faults.disk SET is_full = true")
    await asyncio.sleep(ground.rng.uniform(1, 3))
    await _sql(ground, "UPDATE faults.disk SET is_full = false")
    return time.time()


async def _sql(ground: Ground, statement: str) -> None:
    """Carry out a statement that may be carried out twice, whatever others do to Postgres."""
    async with asyncio.timeout(POINT_SECONDS):
        while True:
            database = await ground.machine.database()
            try:
                await database.execute(statement)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.1)
            else:
                return
            finally:
                database.terminate()
