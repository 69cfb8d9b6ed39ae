"""The clock: sends the periodic actors. Any number may run; one, the leader, ticks."""

import asyncio
import signal
import time

from dramatiq import Actor
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.database import Lock, is_outage, open_database
from tasks.actors import broker, run_slot, sweep_orders
from tasks.broker import CLOCK, waiting
from wiring.logs import get_logger
from wiring.sender import Sender
from wiring.settings import Settings

_STANDBY_SECONDS = 0.5
_MAX_WAITING_TICKS = 6
_SILENT_LEADER_MS = 10_000
"""A leader that says nothing for so long is cut off by Postgres, and its lock is free."""

log = get_logger(__name__)


async def run_clock(settings: Settings) -> None:
    """Tick while leader, stand by while not, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with open_database(
        settings.require_database_url,
        pool_size=2,
        idle_session_ms=max(_SILENT_LEADER_MS, 3 * settings.slot_ms),
    ) as database:
        ticking = asyncio.create_task(_run(database, settings))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ticking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ticking.done():
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        else:
            ticking.result()  # it never ends by itself: the exit status tells that it failed
    log.info("clock.stopped")


async def _run(database: AsyncEngine, settings: Settings) -> None:
    sender = Sender(broker)
    while True:
        try:
            async with database.connect() as connection:
                await _lead(connection, sender, settings)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("clock.database_away", error=str(error))
        await asyncio.sleep(_STANDBY_SECONDS)


async def _lead(connection: AsyncConnection, sender: Sender, settings: Settings) -> None:
    """Tick for as long as this connection holds the lock; it dies with the connection."""
    if not await connection.scalar(text(f"SELECT pg_try_advisory_lock({Lock.LEADING})")):
        return
    log.info("clock.leading")
    every_slot = settings.slot_ms / 1000
    every_sweep = settings.sweep_interval_ms / 1000
    next_slot = next_sweep = time.monotonic()
    while True:
        await connection.execute(text("SELECT 1"))  # raises once the lock is lost
        now = time.monotonic()
        due: list[Actor[[], None]] = []
        if now >= next_slot:
            due.append(run_slot)
            next_slot = max(next_slot + every_slot, now)
        if now >= next_sweep:
            due.append(sweep_orders)
            next_sweep = now + every_sweep
        may_send = bool(due) and await asyncio.to_thread(_may_send, sender)
        if may_send:
            for actor in due:
                sender.send(actor.message())
        await asyncio.sleep(max(0.0, min(next_slot, next_sweep) - time.monotonic()))


def _may_send(sender: Sender) -> bool:
    """Say whether workers take ticks: those that are away must not find a heap of them."""
    if sender.unsent:
        return sender.unsent < _MAX_WAITING_TICKS
    try:
        return waiting(CLOCK) < _MAX_WAITING_TICKS
    except RedisError as error:
        # Without Redis there is nobody to tick for; the clock goes on, and ticks when it is back.
        log.warning("clock.redis_away", error=str(error))
        return False
