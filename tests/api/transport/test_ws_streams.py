"""Streams over a WebSocket: they replay, go live, complete, and end with their connection."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from engine.orders.status import OrderStatus
from models.orders.store import OrderStore
from tests.api.live_server import (
    PROTOCOL,
    LiveServer,
    closed,
    order_status,
    receive,
    send,
    subscribe,
)
from tests.api.transport.messages import QUERY, complete, event
from tests.factories import accepted, advanced
from tests.waiting import until
from wiring.settings import Settings


@pytest.mark.parametrize("order_id", ["", "x", "0198c5f0", uuid4()])
async def test_an_order_that_does_not_exist_is_one_clear_error(
    live_server: LiveServer, order_id: object
) -> None:
    async with live_server.acknowledged() as client:
        await send(client, order_status(order_id))
        frames = [await receive(client), await receive(client)]

    error = {
        "message": "There is no order of this id.",
        "extensions": {"code": "INVALID_ARGUMENT"},
    }
    payload = {"data": None, "errors": [error]}
    assert frames == [{"id": "1", "type": "next", "payload": payload}, complete()]


@pytest.mark.parametrize("after", [-1, 2, 2**31 - 1])
async def test_a_sequence_the_order_has_not_reached_is_one_clear_error(
    live_server: LiveServer, store: OrderStore, after: int
) -> None:
    order = await accepted(store)

    async with live_server.acknowledged() as client:
        await send(client, order_status(order.id, after=after))
        frames = [await receive(client), await receive(client)]

    error = {
        "message": "`after` is 0 to 1, the order's last sequence.",
        "extensions": {"code": "INVALID_ARGUMENT"},
    }
    payload = {"data": None, "errors": [error]}
    assert frames == [{"id": "1", "type": "next", "payload": payload}, complete()]


async def test_a_fault_of_ours_is_masked_in_streams_too(
    settings: Settings, database: AsyncEngine
) -> None:
    with LiveServer(settings) as server, capture_logs() as logs:
        async with database.connect() as connection:
            await connection.execute(text("DROP TABLE orders CASCADE"))
        async with server.acknowledged() as client:
            await send(client, order_status(uuid4()))
            frames = [await receive(client), await receive(client)]

    error = {"message": "Internal error.", "extensions": {"code": "INTERNAL"}}
    payload = {"data": None, "errors": [error]}
    assert frames == [{"id": "1", "type": "next", "payload": payload}, complete()]
    (logged,) = [entry for entry in logs if entry["event"] == "request.failed"]
    assert 'relation "orders" does not exist' in str(logged["exc_info"])


async def test_a_stream_replays_goes_live_and_completes(
    live_server: LiveServer, store: OrderStore
) -> None:
    order = await accepted(store)
    order = await advanced(store, order, OrderStatus.ROUTING)

    async with live_server.acknowledged() as client:
        await send(client, order_status(order.id, id="all"))
        await send(client, order_status(order.id, after=1, id="resumed"))
        replayed = [await receive(client) for _ in range(3)]
        await until(lambda: live_server.streams == 2)
        await advanced(store, order, OrderStatus.FAILED)
        live = [await receive(client) for _ in range(4)]

        await until(lambda: live_server.streams == 0)

    def of(id: str) -> list[object]:
        return [frame for frame in replayed + live if frame["id"] == id]

    first, second, third = (1, "PENDING"), (2, "ROUTING"), (3, "FAILED")
    assert of("all") == [*(event(*e, id="all") for e in (first, second, third)), complete("all")]
    assert of("resumed") == [
        *(event(*e, id="resumed") for e in (second, third)),
        complete("resumed"),
    ]


async def test_a_second_operation_of_the_same_id_closes_the_connection(
    live_server: LiveServer, store: OrderStore
) -> None:
    order = await accepted(store)
    id = "i" * 300

    async with live_server.acknowledged() as client:
        await send(client, order_status(order.id, id=id), subscribe(QUERY, id=id))
        code_and_reason = await closed(client)
    await until(lambda: live_server.streams == 0 and not live_server.connections)

    assert code_and_reason == (4409, "Subscriber for " + "i" * 108)


async def test_complete_from_the_client_ends_the_stream_and_frees_its_id(
    live_server: LiveServer, store: OrderStore
) -> None:
    order = await accepted(store)

    async with live_server.acknowledged() as client:
        await send(client, order_status(order.id))
        assert await receive(client) == event(1, "PENDING")
        await until(lambda: live_server.streams == 1)

        await send(client, complete("another"), complete())
        await until(lambda: live_server.streams == 0)
        await advanced(store, order, OrderStatus.ROUTING)
        await send(client, order_status(order.id, after=1))

        assert await receive(client) == event(2, "ROUTING")


async def test_streams_above_the_cap_of_a_connection_are_refused(
    module_settings: Settings, store: OrderStore
) -> None:
    order = await accepted(store)

    with LiveServer(module_settings.model_copy(update={"max_streams_per_connection": 1})) as server:
        async with server.acknowledged() as client:
            await send(client, order_status(order.id, id="1"), order_status(order.id, id="2"))
            frames = [await receive(client), await receive(client)]

    error = {"message": "Subscription limit reached", "extensions": {"code": "RATE_LIMITED"}}
    refused = {"id": "2", "type": "error", "payload": [error]}
    assert refused in frames
    assert event(1, "PENDING") in frames


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_streams_end_with_their_connection(
    live_server: LiveServer, store: OrderStore, how: str
) -> None:
    order = await accepted(store)

    async with live_server.acknowledged() as client:
        await send(client, *(order_status(order.id, id=str(n)) for n in range(20)))
        await until(lambda: live_server.streams == 20)
        if how == "reset":
            client.transport.abort()
        else:
            await client.close()

        await until(lambda: live_server.streams == 0 and not live_server.connections)


async def test_connections_above_the_cap_are_refused(module_settings: Settings) -> None:
    with LiveServer(module_settings.model_copy(update={"max_connections": 2})) as server:
        async with server.acknowledged(), server.acknowledged() as last:
            with pytest.raises(InvalidStatus) as refused:
                await server.connect(PROTOCOL)
            await last.close()
            await until(lambda: len(server.connections) == 1)

            async with server.acknowledged() as client:
                await send(client, {"type": "ping"})
                assert await receive(client) == {"type": "pong"}

    assert refused.value.response.status_code == 503
    assert refused.value.response.body == b"Too many connections.\n"
