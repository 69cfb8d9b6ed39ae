"""Clients that do not read are let go, and no other suffers."""

import asyncio
import itertools
import time

import pytest
from structlog.testing import capture_logs
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from engine.orders.status import OrderStatus
from models.orders.store import OrderStore
from tests.api.live_server import (
    DeafClient,
    LiveServer,
    long_answer,
    order_status,
    receive,
    send,
    subscribe,
)
from tests.api.transport.messages import complete, event
from tests.factories import accepted, advanced
from tests.waiting import until
from wiring.settings import Settings


async def test_a_client_that_does_not_read_is_let_go_and_no_other_suffers(
    module_settings: Settings, store: OrderStore, caplog: pytest.LogCaptureFixture
) -> None:
    order = await accepted(store)
    impatient = module_settings.model_copy(update={"stream_send_timeout_ms": 200})

    with LiveServer(impatient) as server, capture_logs() as logs:
        async with server.acknowledged() as reader:
            await send(reader, order_status(order.id))
            assert await receive(reader) == event(1, "PENDING")
            with DeafClient(server.address) as deaf:
                for n in range(10):
                    deaf.send(order_status(order.id, id=str(n)))
                await until(lambda: server.streams == 11)

                asked_at = time.monotonic()
                await asyncio.to_thread(deaf.ask_for_more_than_fits)
                await until(lambda: server.streams == 1 and len(server.connections) == 1)
                let_go_after = time.monotonic() - asked_at

            answers = []
            for _ in range(10):
                await send(
                    reader, *(subscribe(long_answer(40_000), id=str(n)) for n in range(2, 6))
                )
                answers += [await receive(reader) for _ in range(8)]
            await advanced(store, order, OrderStatus.FAILED)
            assert [await receive(reader), await receive(reader)] == [
                event(2, "FAILED"),
                complete(),
            ]

    assert let_go_after < 3
    assert sum(answer["type"] == "complete" for answer in answers) == 40
    assert [entry["event"] for entry in logs] == ["stream.client_not_reading"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_all_streams_of_a_client_that_does_not_read_end_at_once(
    module_settings: Settings, store: OrderStore, caplog: pytest.LogCaptureFixture
) -> None:
    order = await accepted(store)
    impatient = module_settings.model_copy(update={"stream_send_timeout_ms": 200})

    with (
        LiveServer(impatient) as server,
        DeafClient(server.address) as deaf,
        capture_logs() as logs,
    ):
        for n in range(20):
            deaf.send(order_status(order.id, id=str(n)))
        await until(lambda: server.streams == 20)
        await block(server, deaf)
        await advanced(store, order, OrderStatus.ROUTING)

        await until(lambda: server.streams == 0 and not server.connections)

    assert [entry["event"] for entry in logs] == ["stream.client_not_reading"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_malformed_frame_of_a_client_that_does_not_read_ends_it_too(
    module_settings: Settings, store: OrderStore
) -> None:
    order = await accepted(store)
    impatient = module_settings.model_copy(update={"stream_send_timeout_ms": 200})

    with LiveServer(impatient) as server, DeafClient(server.address) as deaf:
        deaf.send(order_status(order.id))
        await until(lambda: server.streams == 1)
        await block(server, deaf)
        deaf.send("malformed")

        await until(lambda: server.streams == 0 and not server.connections)


async def test_a_client_that_neither_reads_nor_answers_pings_is_let_go(
    module_settings: Settings, store: OrderStore
) -> None:
    order = await accepted(store)

    with (
        LiveServer(module_settings, ws_ping_interval=1, ws_ping_timeout=0.5) as server,
        DeafClient(server.address) as deaf,
    ):
        deaf.send(order_status(order.id))
        await until(lambda: server.streams == 1)
        await leave_unread(server, deaf)

        await until(lambda: server.streams == 0 and not server.connections)


async def leave_unread(server: LiveServer, deaf: DeafClient) -> WebSocketsSansIOProtocol:
    """Return the client's connection once bytes are stuck in it, too few to hold up a send."""
    (connection,) = server.connections
    for n in itertools.count():
        if connection.transport.get_write_buffer_size() > 30_000:
            break
        deaf.send(subscribe(long_answer(4_000), id=f"long-{n}"))
        await asyncio.sleep(0.01)
    assert connection.writable.is_set()
    return connection


async def block(server: LiveServer, deaf: DeafClient) -> None:
    """Return once nothing more can be sent to the client."""
    connection = await leave_unread(server, deaf)
    connection.loop.call_soon_threadsafe(connection.transport.set_write_buffer_limits, 1)
    await until(lambda: not connection.writable.is_set())
