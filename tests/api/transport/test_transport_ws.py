"""graphql-transport-ws, frame by frame, on a real server; and clients it should not wait for."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidStatus

from engine.orders.status import OrderStatus
from models.database import open_database
from models.hot import open_hot_pool
from models.orders.store import OrderStore
from tests.api.live_server import (
    ACK,
    INIT,
    PATIENCE_SECONDS,
    PROTOCOL,
    DeafClient,
    LiveServer,
    acknowledged_by,
    closed,
    long_answer,
    order_status,
    receive,
    send,
    subscribe,
    until,
)
from tests.factories import accepted, advanced
from wiring.settings import Settings

NOT_JSON = (4400, "WebSocket message must be valid JSON")
NOT_TEXT = (4400, "WebSocket message type must be text")
MALFORMED = (4400, "Malformed message")
QUERY = "{ __typename }"
ANSWER = {"data": {"__typename": "Query"}}


@pytest.fixture
async def store(module_settings: Settings) -> AsyncIterator[OrderStore]:
    url = module_settings.require_database_url
    async with open_database(url, pool_size=2) as database, open_hot_pool(url, size=2) as hot:
        yield OrderStore(database, hot)


def event(sequence: int, status: str, *, id: str = "1") -> dict[str, object]:
    """The message that carries an event."""
    payload = {"data": {"orderStatus": {"sequence": sequence, "status": status}}}
    return {"id": id, "type": "next", "payload": payload}


def complete(id: str = "1") -> dict[str, object]:
    """The message that ends an operation."""
    return {"id": id, "type": "complete"}


@pytest.mark.parametrize("protocol", ["graphql-ws", "graphql-sse", None])
async def test_only_graphql_transport_ws_is_spoken(
    live_server: LiveServer, protocol: str | None
) -> None:
    async with live_server.connect(*([protocol] if protocol else [])) as client:
        assert await closed(client) == (4406, "Subprotocol not acceptable")


async def test_of_several_subprotocols_the_spoken_one_is_chosen(live_server: LiveServer) -> None:
    async with live_server.connect("graphql-ws", PROTOCOL) as client:
        await send(client, INIT)

        assert client.subprotocol == PROTOCOL
        assert await receive(client) == ACK


@pytest.mark.parametrize(
    ("frame", "code_and_reason"),
    [
        (b"\x00", NOT_TEXT),
        (b'{"type": "ping"}', NOT_TEXT),
        ("", NOT_JSON),
        ("{", NOT_JSON),
        ("[" * 30_000, NOT_JSON),
        ('{"type": "ping", "payload": {"a": ' + "1" * 5_000 + "}}", NOT_JSON),
        ('{"type": "ping", "payload": {"a": NaN}}', NOT_JSON),
        ([], MALFORMED),
        ([{"type": "ping"}], MALFORMED),
        ('"ping"', MALFORMED),
        (1, MALFORMED),
        (None, MALFORMED),
        (True, MALFORMED),
        ({}, MALFORMED),
        ({"type": None}, MALFORMED),
        ({"type": 1}, MALFORMED),
        ({"type": ["ping"]}, MALFORMED),
        ({"type": "start"}, (4400, "Unknown message type: start")),
        ({"type": "é" * 200}, (4400, "Unknown message type: " + "é" * 50)),
        ({"type": "connection_ack"}, (4400, "Unknown message type: connection_ack")),
        ({"type": "connection_init", "payload": []}, MALFORMED),
        ({"type": "ping", "payload": "x"}, MALFORMED),
        ({"type": "pong", "payload": 1}, MALFORMED),
        ({"type": "complete"}, MALFORMED),
        ({"type": "complete", "id": 1}, MALFORMED),
        ({"type": "subscribe"}, MALFORMED),
        ({"type": "subscribe", "id": "1"}, MALFORMED),
        ({"type": "subscribe", "payload": {"query": QUERY}}, MALFORMED),
        ({"type": "subscribe", "id": 1, "payload": {"query": QUERY}}, MALFORMED),
        ({"type": "subscribe", "id": "", "payload": {"query": QUERY}}, MALFORMED),
        ({"type": "subscribe", "id": None, "payload": {"query": QUERY}}, MALFORMED),
        ({"type": "subscribe", "id": ["1"], "payload": {"query": QUERY}}, MALFORMED),
        ({"type": "subscribe", "id": "1", "payload": None}, MALFORMED),
        ({"type": "subscribe", "id": "1", "payload": QUERY}, MALFORMED),
        ({"type": "subscribe", "id": "1", "payload": [QUERY]}, MALFORMED),
        ({"type": "subscribe", "id": "1", "payload": {}}, MALFORMED),
        ({"type": "subscribe", "id": "1", "payload": {"query": None}}, MALFORMED),
        ({"type": "subscribe", "id": "1", "payload": {"query": 1}}, MALFORMED),
        (subscribe(QUERY, variables=[]), MALFORMED),
        (subscribe(QUERY, variables="{}"), MALFORMED),
        (subscribe(QUERY, operationName=1), MALFORMED),
        (subscribe(QUERY, extensions=[]), MALFORMED),
    ],
    ids=range(42),
)
async def test_a_malformed_frame_closes_the_connection(
    live_server: LiveServer, frame: object, code_and_reason: tuple[int, str]
) -> None:
    async with live_server.acknowledged() as client:
        await send(client, frame)

        assert await closed(client) == code_and_reason


async def test_a_frame_over_the_cap_closes_the_connection(live_server: LiveServer) -> None:
    async with live_server.acknowledged() as client:
        await send(client, "x" * 65_537)

        assert (await closed(client))[0] == 1009


async def test_an_operation_before_the_initialisation_is_unauthorized(
    live_server: LiveServer,
) -> None:
    async with live_server.connect(PROTOCOL) as client:
        await send(client, subscribe(QUERY))

        assert await closed(client) == (4401, "Unauthorized")


async def test_a_client_that_does_not_initialise_is_closed(module_settings: Settings) -> None:
    with LiveServer(module_settings.model_copy(update={"stream_init_timeout_ms": 50})) as server:
        async with server.connect(PROTOCOL) as client:
            assert await closed(client) == (4408, "Connection initialisation timeout")


async def test_a_second_initialisation_closes_the_connection(live_server: LiveServer) -> None:
    async with live_server.acknowledged() as client:
        await send(client, INIT)

        assert await closed(client) == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("payload", [{}, {"token": "x"}, None])
async def test_an_initialisation_may_carry_a_payload(
    live_server: LiveServer, payload: dict[str, str] | None
) -> None:
    async with live_server.connect(PROTOCOL) as client:
        await send(client, INIT | {"payload": payload})

        assert await receive(client) == ACK


async def test_a_ping_is_answered_at_any_time_and_a_pong_taken(live_server: LiveServer) -> None:
    async with live_server.connect(PROTOCOL) as client:
        await send(client, {"type": "ping"}, {"type": "pong"}, INIT)
        await send(client, {"type": "pong", "payload": {}}, {"type": "ping", "payload": None})

        assert [await receive(client) for _ in range(3)] == [
            {"type": "pong"},
            ACK,
            {"type": "pong"},
        ]


async def test_queries_and_mutations_are_answered_once_and_completed(
    live_server: LiveServer,
) -> None:
    mutation = (
        'mutation { executeMarketOrder(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "x"}) '
        "{ userErrors { code } } }"
    )
    refused = {"data": {"executeMarketOrder": {"userErrors": [{"code": "INVALID_AMOUNT"}]}}}

    async with live_server.acknowledged() as client:
        await send(client, subscribe(QUERY))
        queried = [await receive(client), await receive(client)]
        await send(client, subscribe(mutation))  # a completed operation's id is free again
        mutated = [await receive(client), await receive(client)]

    assert queried == [{"id": "1", "type": "next", "payload": ANSWER}, complete()]
    assert mutated == [{"id": "1", "type": "next", "payload": refused}, complete()]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"query": ""}, 'Request data is missing a "query" value'),
        ({"query": "{"}, "Syntax Error: Expected Name, found <EOF>."),
        ({"query": "{ absent }"}, "Cannot query field 'absent' on type 'Query'."),
        ({"query": "query A { a }", "operationName": "B"}, 'Unknown operation named "B".'),
        (
            {
                "query": 'subscription ($k: Int) { orderStatus(orderId: "x", after: $k) {status} }',
                "variables": {"k": 2**31},
            },
            "Variable '$k' has invalid value: "
            "Int cannot represent non 32-bit signed integer value: 2147483648",
        ),
    ],
    ids=range(5),
)
async def test_an_operation_that_cannot_be_executed_ends_with_its_error_and_no_other_does(
    live_server: LiveServer, payload: dict[str, object], message: str
) -> None:
    async with live_server.acknowledged() as client:
        await send(client, {"type": "subscribe", "id": "1", "payload": payload})
        refused = await receive(client)
        await send(client, subscribe(QUERY, id="2"))
        answered = [await receive(client), await receive(client)]

    assert (refused["id"], refused["type"]) == ("1", "error")
    assert [error["message"] for error in refused["payload"]] == [message]
    assert answered == [{"id": "2", "type": "next", "payload": ANSWER}, complete("2")]


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


async def test_sigterm_ends_the_process_in_time_and_streams_with_1012(
    module_settings: Settings, store: OrderStore
) -> None:
    order = await accepted(store)
    address = free_address()
    environment = os.environ | {
        "DATABASE_URL": module_settings.require_database_url,
        "ORDER_ENGINE_PORT": str(address[1]),
    }
    api = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "api"), env=environment
    )
    try:
        await ready(address)
        async with acknowledged_by(address) as client, acknowledged_by(address) as idle:
            with DeafClient(address) as deaf:
                await asyncio.to_thread(deaf.ask_for_more_than_fits)
                await send(client, *(order_status(order.id, id=str(n)) for n in range(50)))
                for _ in range(50):
                    await receive(client)

                asked_at = time.monotonic()
                api.send_signal(signal.SIGTERM)
                codes = [(await closed(client))[0], (await closed(idle))[0]]
                closed_after = time.monotonic() - asked_at
                await asyncio.wait_for(api.wait(), PATIENCE_SECONDS)
                ended_after = time.monotonic() - asked_at
    finally:
        if api.returncode is None:
            api.kill()
            await api.wait()

    assert codes == [1012, 1012]
    assert closed_after < 1
    assert ended_after < 3


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


def free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
        return host, port


async def ready(address: tuple[str, int]) -> None:
    """Return once an API answers there that all it needs is well."""
    host, port = address
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"http://{host}:{port}/health/ready")).is_success:
                    return
            await asyncio.sleep(0.05)
