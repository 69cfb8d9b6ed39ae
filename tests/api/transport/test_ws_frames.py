"""graphql-transport-ws, frame by frame, on a real server."""

import pytest

from tests.api.live_server import ACK, INIT, PROTOCOL, LiveServer, closed, receive, send, subscribe
from tests.api.transport.messages import ANSWER, QUERY, complete
from wiring.settings import Settings

NOT_JSON = (4400, "WebSocket message must be valid JSON")
NOT_TEXT = (4400, "WebSocket message type must be text")
MALFORMED = (4400, "Malformed message")


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
