"""Orders whose time is up end, unless they were sent."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy import text

from tests.factories import unguarded
from tests.tasks.devnet import Devnet, ledger_rows, life


async def test_past_its_time_an_order_expires_before_anything_else(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.limit("1", "149")  # marketable: only its time keeps it from executing
        async with unguarded(net.resources.database) as connection:
            await connection.execute(text("UPDATE orders SET expires_at = now()"))

        await net.route(id)
        assert (await net.show(id))["status"] == "PENDING"
        await net.watch()

        shown = await net.show(id)
        assert life(shown)[-1] == ("EXPIRED", 0, None)
        assert await ledger_rows(net) == 0


async def test_without_an_expiry_an_order_waits_for_the_usual_life(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet(waiting_order_life_ms=60_000) as net:
        id = await net.limit("1", "200")
        order = await net.resources.orders.get(UUID(id))

    assert (order.expires_at - order.created_at).total_seconds() == 60


async def test_what_was_sent_does_not_expire(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.limit("1", "149")
        await net.route(id)
        async with unguarded(net.resources.database) as connection:
            await connection.execute(text("UPDATE orders SET expires_at = now()"))
        await net.watch()

        assert (await net.end(id))["status"] == "CONFIRMED"


async def test_after_everything_but_postgres_was_lost_each_order_still_ends_once(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        triggers = [await net.limit("0.1", "149") for _ in range(20)]
        rests = [await net.limit("0.1", "200") for _ in range(20)]
        cancels = [await net.limit("0.1", "200") for _ in range(20)]
        for id in rests + cancels:
            await net.route(id)
    # Nobody heard of the first twenty: their messages are gone, and so are all processes.
    async with devnet() as net:
        async with unguarded(net.resources.database) as connection:
            await connection.execute(text("UPDATE orders SET lease_until = now()"))
            await connection.execute(
                text("UPDATE orders SET expires_at = now() WHERE id = ANY(:ids)"), {"ids": rests}
            )
        for id in triggers:
            await net.route(id)
        for id in cancels:
            assert (await net.cancel(id))["userErrors"] == []
        await net.watch()
        await net.slots(10)
        ended = {id: (await net.show(id)) for id in triggers + rests + cancels}

    for ids, status in ((triggers, "CONFIRMED"), (rests, "EXPIRED"), (cancels, "CANCELED")):
        assert {ended[id]["status"] for id in ids} == {status}
