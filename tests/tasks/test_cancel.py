"""Orders are canceled while they wait, and never once they were sent."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy import text

from tasks.route_order import route_order
from tests.tasks.devnet import Devnet, ledger_rows, life
from tests.tasks.steps import call


async def test_waiting_orders_are_canceled_and_a_second_time_too(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.limit("1", "200")
        await net.route(id)

        first, second = [await net.cancel(id) for _ in range(2)]

        assert first == second == {"order": {"id": id, "status": "CANCELED"}, "userErrors": []}
        assert life(await net.show(id))[-1][0] == "CANCELED"
        assert await ledger_rows(net) == 0


async def test_an_order_that_was_sent_is_not_canceled(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        id = await net.send("1")
        sent = await net.cancel(id)
        await net.end(id)
        ended = await net.cancel(id)

    for payload, status in ((sent, "SUBMITTED"), (ended, "CONFIRMED")):
        assert payload["order"] == {"id": id, "status": status}
        assert payload["userErrors"] == [{"code": "ORDER_NOT_CANCELABLE"}]


@pytest.mark.parametrize("id", ["nonsense", "01a1f8d4-2d3f-73b1-8b3a-390ea7b84b77"])
async def test_an_order_nobody_knows_is_not_canceled(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]], id: str
) -> None:
    async with devnet() as net:
        payload = await net.cancel(id)

    assert payload == {"order": None, "userErrors": [{"code": "ORDER_NOT_FOUND"}]}


async def test_canceling_at_any_step_finds_it_canceled_or_filled_never_both(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        ids = [await net.place("0.1") for _ in range(60)]

        async def route(id: str, n: int) -> None:
            await asyncio.sleep(n % 5 / 500)
            await call(route_order, id)

        async def cancel(id: str, n: int) -> dict[str, Any]:
            await asyncio.sleep(n % 7 / 500)
            return await net.cancel(id)

        (*payloads,) = await asyncio.gather(
            *(cancel(id, n) for n, id in enumerate(ids)),
            *(route(id, n) for n, id in enumerate(ids)),
        )
        await net.slots(10)
        for id, payload in zip(ids, payloads, strict=False):
            shown = await net.show(id)
            async with net.resources.database.connect() as connection:
                rows = await connection.scalar(
                    text("SELECT count(*) FROM ledger_transactions WHERE memo = :id"), {"id": id}
                )
            canceled = payload["userErrors"] == []
            assert (shown["status"], rows) == (("CANCELED", 0) if canceled else ("CONFIRMED", 1))
