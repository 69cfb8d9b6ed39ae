"""Every error that a client gets at the top level has a code of the enum, and literals a place."""

import json

import httpx
import pytest

from engine.error_places import PLACES, Place
from engine.errors import ErrorCode
from tests.api.live_server import LiveServer

QUOTE = '{quote(input: {tokenIn: "SOL", tokenOut: "USDC", amount: AMOUNT}) {quote {price}}}'
SINCE = "{orders(filter: {createdAfter: INSTANT}) {nodes {id}}}"
VALIDATION = ErrorCode.GRAPHQL_VALIDATION_FAILED

MISTAKES = [
    ("{", {}, ErrorCode.GRAPHQL_PARSE_FAILED, (1, 2)),
    ("{" + "a " * 2_001 + "}", {}, ErrorCode.GRAPHQL_PARSE_FAILED, (1, 4_000)),
    ("{nope}", {}, VALIDATION, (1, 2)),
    (QUOTE.replace("AMOUNT", "1.5"), {}, VALIDATION, (1, 58)),
    (QUOTE.replace("AMOUNT", "true"), {}, VALIDATION, (1, 58)),
    (QUOTE.replace("AMOUNT", "[1.5]"), {}, VALIDATION, (1, 58)),
    (QUOTE.replace("AMOUNT", "{a: 1}"), {}, VALIDATION, (1, 58)),
    (QUOTE.replace("AMOUNT", "{}"), {}, VALIDATION, (1, 58)),
    (SINCE.replace("INSTANT", '"2026-01-01"'), {}, VALIDATION, (1, 32)),
    (SINCE.replace("INSTANT", "5"), {}, VALIDATION, (1, 32)),
    ("{order(id: 1.5) {id}}", {}, VALIDATION, (1, 12)),
    ("{order(id: {a: 1}) {id}}", {}, VALIDATION, (1, 16)),
    ("{order(id: [[1]]) {id}}", {}, VALIDATION, (1, 14)),
    ("{order(id: {}) {id}}", {}, VALIDATION, (1, 1)),
    ("query($n: Decimal! = 1.5)" + QUOTE.replace("AMOUNT", "$n"), {}, VALIDATION, (1, 22)),
    ("query A {__typename} query B {__typename}", {}, VALIDATION, (1, 1)),
    ("query($n: Int!) {orders(first: $n) {nodes {id}}}", {}, ErrorCode.INVALID_ARGUMENT, (1, 7)),
    (
        "query($t: DateTime) {orders(filter: {createdAfter: $t}) {nodes {id}}}",
        {"t": "now"},
        ErrorCode.INVALID_ARGUMENT,
        (1, 7),
    ),
    ("{orders(first: -1) {nodes {id}}}", {}, ErrorCode.INVALID_ARGUMENT, (1, 2)),
    ("{orders(first: 100) {nodes {events {order {events {order {id}}}}}}}", {},
     ErrorCode.QUERY_TOO_COSTLY, (1, 1)),
]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("query", "variables", "code", "place"), MISTAKES)
async def test_a_mistake_has_its_code_and_its_place(
    client: httpx.AsyncClient, query: str, variables: object, code: str, place: tuple[int, int]
) -> None:
    response = await client.post("/graphql", json={"query": query, "variables": variables})

    error = response.json()["errors"][0]
    assert error["extensions"]["code"] == code
    assert error["locations"][0] == dict(zip(("line", "column"), place, strict=True))
    assert Place.ERRORS in PLACES[ErrorCode(code)]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("method", "content", "status"),
    [
        ("POST", b"{", 400),
        ("POST", b"[]", 400),
        ("POST", b"{}", 400),
        ("POST", b'{"query": "{a}", "operationName": "B"}', 400),
        ("POST", b'{"query": "subscription {orderEvents {sequence}}"}', 400),
        ("POST", b" " * 70_000, 413),
        ("PUT", b"", 405),
    ],
)
async def test_what_is_no_operation_has_the_code_of_a_bad_request(
    client: httpx.AsyncClient, method: str, content: bytes, status: int
) -> None:
    headers = {"content-type": "application/json"}
    response = await client.request(method, "/graphql", content=content, headers=headers)

    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (status, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{nope}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{tokens {mint}}", "operationName": "B"}, "BAD_REQUEST"),
        ({"query": 'subscription {orderStatus(orderId: "x") {sequence}}'}, "INVALID_ARGUMENT"),
        (
            {"query": "subscription($n: Int!) {orderStatus(orderId: 1, after: $n) {sequence}}"},
            "INVALID_ARGUMENT",
        ),
        (
            {"query": 'subscription {quotes(input: {tokenIn: "SOL", tokenOut: "SOL", amount: "1"})'
                      " {price}}"},
            "SAME_TOKEN",
        ),
    ],
)  # fmt: skip
async def test_a_mistake_over_a_websocket_has_its_code(
    live_server: LiveServer, payload: dict[str, str], code: str
) -> None:
    async with live_server.acknowledged() as client:
        await client.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        frame = json.loads(await client.recv())

    said = frame["payload"]
    (error,) = said if frame["type"] == "error" else said["errors"]
    assert error["extensions"]["code"] == code
    assert Place.STREAM in PLACES[ErrorCode(code)]
