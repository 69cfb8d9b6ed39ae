"""Faults that are too much of something: messages, orders, subscribers."""

import asyncio
import contextlib
import time

import asyncpg

from tests.api.live_server import DeafClient
from tests.faults import checks, hooks
from tests.faults.flood import Flood
from tests.faults.ground import Ground, Inject, NotInjected
from tests.faults.machine import Machine

_BURST = 200
_NO_LIMIT = 50_000
_ROOM_SECONDS = 0.05
"""Less than an order takes at its quickest: on any machine there is soon no room."""

_AGAIN = 20
_MEMORY_GROWTH = 1.2
_COUNT_SECONDS = 3
"""How old the count can be by which orders are refused, on a machine that has no time for it."""

_FOLLOWERS = 20
_CROWD_SECONDS = 120


async def tenfold(ground: Ground) -> float:
    faults = ground.machine.faults
    hooks.switch(faults, hooks.TENFOLD, True)
    await asyncio.sleep(4)
    hooks.switch(faults, hooks.TENFOLD, False)
    return time.time()


def overloaded(seconds: float) -> Inject:
    """Offer twice what the machine can do, with next to no room for it.

    Refusals are typed and use up no id: whoever is refused may ask again with the same one.
    """

    async def inject(ground: Ground) -> float:
        machine = ground.machine
        flood = Flood(machine.direct_url)
        ground.clients.unfollowed = flood.records
        database = await machine.database()
        try:
            await flood.offer("capacity", _BURST, per_second=1_000)
            capacity = await flood.submitted_per_second(database)
            room, offered = round(capacity * _ROOM_SECONDS), round(2 * capacity * seconds)
            await _limit(machine, room)
            before = machine.memory_mb("api")
            watching = asyncio.create_task(_most_in_progress(database))
            await flood.offer("flood", offered, per_second=2 * capacity)
            watching.cancel()
            most = await watching
            after = ground.remember("the flood", before)
        finally:
            await database.close()
        await _limit(machine, _NO_LIMIT)
        at, refused = time.time(), flood.refused
        if not refused:
            raise NotInjected(f"nobody was refused at {2 * capacity:.0f} orders/s")
        said = {code for record in refused for code in record.refusals}
        if said != {"OVERLOADED"} or most > room + _COUNT_SECONDS * 2 * capacity:
            ground.broken["overload"] = [f"{said}, {most} in progress where {room} may be"]
        if after > _MEMORY_GROWTH * before:
            ground.broken["memory of the api in the flood"] = [f"{before:.0f} → {after:.0f} MB"]
        await flood.ask_again(refused[:_AGAIN])
        if again := [record for record in refused[:_AGAIN] if record.id is None]:
            ground.broken["ids that a refusal used up"] = [r.client_order_id for r in again]
        ground.say(
            f"the machine does {capacity:.0f} orders/s; of {offered} in {seconds:.0f} s "
            f"{len(refused)} were refused, and at most {most} were in progress"
        )
        return at

    return inject


async def _limit(machine: Machine, orders: int) -> None:
    setting = {"ORDER_ENGINE_MAX_ORDERS_IN_PROGRESS": str(orders)}
    await machine.processes["api"].run_again(setting)
    await machine.ready()


async def _most_in_progress(database: asyncpg.Connection) -> int:
    """Return the highest count seen until cancelled."""
    most = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            most = max(most, await checks.in_progress(database))
            await asyncio.sleep(0.2)
    return most


def crowd(count: int, deaf: int) -> Inject:
    """Many subscribers of the same few orders, some of which never read a word; then as many again.

    What the first crowd took stays with a Python process; a second one must not take more. Others
    are to find the api as it was, so it is then started anew.
    """

    async def inject(ground: Ground) -> float:
        api = ground.machine.processes["api"]
        await _crowd(ground, count, deaf)
        first = ground.machine.memory_mb("api")
        await _crowd(ground, count, deaf)
        second = ground.remember("the second crowd", first)
        if first and second > _MEMORY_GROWTH * first:
            ground.broken["memory of the api in a second crowd"] = [f"{first:.0f} → {second:.0f}"]
        at = time.time()
        await api.run_again({})
        await ground.machine.ready()
        return at

    return inject


async def _crowd(ground: Ground, count: int, deaf: int) -> None:
    url = ground.machine.direct_url
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    async with contextlib.AsyncExitStack() as stack:
        for n in range(deaf):
            client = await asyncio.to_thread(DeafClient, (host, int(port)))
            stack.callback(client.__exit__)
            query = "subscription { orderEvents { sequence status quotes { price } } }"
            client.send({"type": "subscribe", "id": str(n), "payload": {"query": query}})
        orders = [ground.clients.place(kind="market") for _ in range(count // _FOLLOWERS)]
        followers = await ground.clients.follow_too(orders, _FOLLOWERS)
        deadline = time.monotonic() + _CROWD_SECONDS
        while time.monotonic() < deadline and not all(each.ended for each in followers):
            await asyncio.sleep(0.1)
