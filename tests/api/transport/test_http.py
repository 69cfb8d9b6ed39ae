"""GraphQL over HTTP: what is answered, and how every request that cannot be is refused."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from graphql import get_introspection_query
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from api.app import create_app
from api.transport.body_limit import BodyLimit
from tests.api.asking import in_process
from wiring.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRAPHQL_RESPONSE = "application/graphql-response+json"
SUBSCRIPTION = 'subscription { orderStatus(orderId: "x") { sequence } }'
ASKED = {"query": "{ __typename }"}
ANSWERED = {"data": {"__typename": "Query"}}

NOT_JSON = "Unable to parse request body as JSON"
NOT_AN_OPERATION = "An operation is one JSON object; batches are not taken."
NOT_A_BODY = "A request body is application/json in UTF-8."
NO_QUERY = "There is no `query` in the request."
TOO_LONG = "A request body is at most 65536 bytes."
TOO_MANY_TOKENS = "Syntax Error: Document contains more than 2000 tokens. Parsing aborted."
TOO_DEEP = "Syntax Error: Document is nested too deeply. Parsing aborted."


async def post(
    client: httpx.AsyncClient, body: bytes | dict[str, Any] | AsyncIterator[bytes], **headers: str
) -> httpx.Response:
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(
        "/graphql", content=content, headers={"content-type": "application/json"} | given
    )


def messages(response: httpx.Response) -> list[str]:
    """The errors' messages, of an answer that holds nothing but errors."""
    answer = response.json()
    assert list(answer) == ["errors"]
    return [error["message"] for error in answer["errors"]]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "application/json"),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (GRAPHQL_RESPONSE.upper(), GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, application/json;q=0.9", GRAPHQL_RESPONSE),
    ],
)
async def test_the_answer_has_the_media_type_that_is_accepted(
    client: httpx.AsyncClient, accept: str, answered: str
) -> None:
    response = await post(client, ASKED, accept=accept)

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.json() == ANSWERED


async def test_a_query_may_be_sent_with_get(client: httpx.AsyncClient) -> None:
    query = "query A($on: Boolean!) { __typename @include(if: $on) } query B { tokens { mint } }"
    asked = {"query": query, "operationName": "A", "variables": '{"on": true}'}

    response = await client.get("/graphql", params=asked)

    assert (response.status_code, response.json()) == (200, ANSWERED)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON ; charset="UTF-8"',
        "application/json; profile=x; charset=utf8",
    ],
)
async def test_json_in_utf_8_is_taken_however_it_is_announced(
    client: httpx.AsyncClient, content_type: str
) -> None:
    response = await post(client, ASKED, content_type=content_type)

    assert (response.status_code, response.json()) == (200, ANSWERED)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/jsonp",
        GRAPHQL_RESPONSE,
    ],
)
async def test_another_content_type_is_refused(
    client: httpx.AsyncClient, content_type: str
) -> None:
    response = await post(client, ASKED, content_type=content_type)

    assert (response.status_code, messages(response)) == (415, [NOT_A_BODY])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", NOT_JSON),
        (b"{", NOT_JSON),
        (b'{"query": "\xff"}', NOT_JSON),
        (json.dumps(ASKED).encode("utf-16"), NOT_JSON),
        (b'{"query": "{ __typename }", "variables": {"a": NaN}}', NOT_JSON),
        (b'{"query": "{ __typename }", "variables": {"a": ' + b"1" * 5_000 + b"}}", NOT_JSON),
        (b"[" * 30_000, NOT_JSON),
        (b'{"query": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001, NOT_JSON),
        (b"null", NOT_AN_OPERATION),
        (b"1", NOT_AN_OPERATION),
        (b'"{ __typename }"', NOT_AN_OPERATION),
        (b'[{"query": "{ __typename }"}]', NOT_AN_OPERATION),
        (b"{}", NO_QUERY),
        (b'{"query": ""}', NO_QUERY),
        (b'{"query": null}', NO_QUERY),
        (b'{"query": 1}', "`query` is a string or null."),
        (b'{"query": "{ a }", "operationName": 1}', "`operationName` is a string or null."),
        (b'{"query": "{ a }", "variables": []}', "`variables` is an object or null."),
        (b'{"query": "{ a }", "extensions": "x"}', "`extensions` is an object or null."),
        (b'{"query": "query A { a }", "operationName": "B"}', 'Unknown operation named "B".'),
        (b'{"query": "fragment A on Query { a }"}', "Can't get GraphQL operation type"),
    ],
    ids=range(21),
)
@pytest.mark.parametrize("accept", ["application/json", GRAPHQL_RESPONSE])
async def test_a_body_that_is_no_operation_is_a_bad_request(
    client: httpx.AsyncClient, body: bytes, message: str, accept: str
) -> None:
    response = await post(client, body, accept=accept)

    assert (response.status_code, messages(response)) == (400, [message])
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, NO_QUERY),
        ({"query": ""}, NO_QUERY),
        ({"query": "{ __typename }", "variables": "{"}, NOT_JSON),
        ({"query": "{ __typename }", "variables": "[]"}, "`variables` is an object or null."),
        ({"query": "{ __typename }", "extensions": "1"}, "`extensions` is an object or null."),
    ],
)
async def test_a_get_that_is_no_operation_is_a_bad_request(
    client: httpx.AsyncClient, params: dict[str, str], message: str
) -> None:
    response = await client.get("/graphql", params=params)

    assert (response.status_code, messages(response)) == (400, [message])


async def test_a_mutation_over_get_is_refused_and_stores_nothing(
    client: httpx.AsyncClient,
) -> None:
    mutation = (
        'mutation { executeMarketOrder(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "1", '
        'clientOrderId: "by-get"}) { replayed } }'
    )

    response = await client.get("/graphql", params={"query": mutation})

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert messages(response) == ["A mutation is sent with POST."]
    stored = await post(client, {"query": '{ orderByClientOrderId(clientOrderId: "by-get") {id} }'})
    assert stored.json() == {"data": {"orderByClientOrderId": None}}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_another_method_is_refused(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql", json=ASKED)

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert messages(response) == ["GraphQL only supports GET and POST requests."]


@pytest.mark.parametrize(
    "accept",
    ["*/*", "text/event-stream", 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'],
)
async def test_a_subscription_over_http_is_sent_to_the_websocket(
    client: httpx.AsyncClient, accept: str
) -> None:
    posted = await post(client, {"query": SUBSCRIPTION}, accept=accept)
    got = await client.get("/graphql", params={"query": SUBSCRIPTION}, headers={"accept": accept})

    text = "A subscription is followed over a WebSocket (graphql-transport-ws)."
    assert (posted.status_code, messages(posted)) == (400, [text])
    assert (got.status_code, messages(got)) == (400, [text])


async def test_a_body_announced_over_the_cap_is_refused_unread() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("the application was asked")

    async with in_process(BodyLimit(app, max_bytes=65_536)) as client:
        response = await post(client, b" " * 65_537)

    assert (response.status_code, messages(response)) == (413, [TOO_LONG])


async def test_chunks_are_read_up_to_the_cap_and_no_further(client: httpx.AsyncClient) -> None:
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield b" " * 10_000

    response = await post(client, chunks())

    assert (response.status_code, messages(response)) == (413, [TOO_LONG])
    assert taken == 7


async def test_a_body_at_the_cap_is_taken(client: httpx.AsyncClient) -> None:
    response = await post(client, json.dumps(ASKED).encode().ljust(65_536))

    assert (response.status_code, response.json()) == (200, ANSWERED)


def nested(levels: int) -> str:
    """A document whose deepest field stands below `levels` others."""
    opened = "{ orders(first: 0) { nodes { " + "events { order { " * (levels // 2 - 1)
    return opened + "id" + " }" * (levels + 1)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ absent }", "Cannot query field 'absent' on type 'Query'."),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(700)) + " }", TOO_MANY_TOKENS),
        ("{ " + "__typename " * 2_000 + "}", TOO_MANY_TOKENS),
        ("{ a " * 400 + "}" * 400, TOO_DEEP),
        ("{ order(id: " + "[" * 400 + "]" * 400 + ") { id } }", TOO_DEEP),
        ("{ ...A } fragment A on Query { ...A }", "Cannot spread fragment 'A' within itself."),
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
            "Maximum introspection depth exceeded",
        ),
        (
            "{ orders(first: 2147483648) { nodes { id } } }",
            "Int cannot represent non 32-bit signed integer value: 2147483648",
        ),
        (
            '{ quote(input: {tokenIn: "SOL", tokenOut: "USDC", amount: 1.5}) { quote { price } } }',
            'A Decimal is a string, such as "0.25".',
        ),
    ],
    ids=range(10),
)
async def test_a_document_that_cannot_be_executed_is_answered_without_data(
    client: httpx.AsyncClient, query: str, message: str
) -> None:
    in_json = await post(client, {"query": query})
    in_graphql = await post(client, {"query": query}, accept=GRAPHQL_RESPONSE)

    assert (in_json.status_code, messages(in_json)) == (200, [message])
    assert (in_graphql.status_code, messages(in_graphql)) == (400, [message])


async def test_an_integer_of_thousands_of_digits_is_the_documents_fault(
    client: httpx.AsyncClient,
) -> None:
    query = "{ orders(first: " + "9" * 5_000 + ") { nodes { id } } }"

    response = await post(client, {"query": query})

    (message,) = messages(response)
    assert message.startswith("Expected value of type 'Int', but encountered error")


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({}, "Expected a value of non-null type 'Int!' to be provided."),
        ({"first": None}, "Expected value of non-null type 'Int!' not to be None."),
        ({"first": 2**31}, "Int cannot represent non 32-bit signed integer value: 2147483648"),
        ({"first": "1"}, "Int cannot represent non-integer value: '1'"),
    ],
)
async def test_a_variable_of_the_wrong_type_is_answered_without_data(
    client: httpx.AsyncClient, variables: dict[str, object], why: str
) -> None:
    message = f"Variable '$first' has invalid value: {why}"
    query = "query ($first: Int!) { orders(first: $first) { nodes { id } } }"
    asked = {"query": query, "variables": variables}

    in_json = await post(client, asked)
    in_graphql = await post(client, asked, accept=GRAPHQL_RESPONSE)

    assert (in_json.status_code, messages(in_json)) == (200, [message])
    assert (in_graphql.status_code, messages(in_graphql)) == (400, [message])


async def test_a_document_is_taken_down_to_the_depth_limit_and_no_deeper(
    client: httpx.AsyncClient,
) -> None:
    at_the_limit = await post(client, {"query": nested(12)})
    below_it = await post(client, {"query": nested(14)})

    assert at_the_limit.json() == {"data": {"orders": {"nodes": []}}}
    assert len(messages(below_it)) == 1


async def test_the_introspection_of_graphiql_passes_the_limits(client: httpx.AsyncClient) -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )

    response = await post(client, {"query": query, "operationName": "IntrospectionQuery"})

    answer = response.json()
    assert list(answer) == ["data"]
    assert answer["data"]["__schema"]["subscriptionType"]["name"] == "Subscription"


async def test_an_argument_no_result_exists_for_is_named(client: httpx.AsyncClient) -> None:
    response = await post(client, {"query": '{ orders(after: "forged") { nodes { id } } }'})

    assert response.status_code == 200
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "INVALID_ARGUMENT"}


@pytest.mark.asyncio(loop_scope="function")
async def test_a_fault_of_ours_is_masked_and_its_cause_logged(
    settings: Settings, database: AsyncEngine
) -> None:
    async with database.connect() as connection:
        await connection.execute(text("DROP TABLE orders CASCADE"))
    app = create_app(settings)

    with capture_logs() as logs:
        async with app.router.lifespan_context(app), in_process(app) as client:
            response = await post(client, {"query": f'{{ order(id: "{uuid4()}") {{ id }} }}'})

    assert response.status_code == 200
    assert response.json() == {
        "data": {"order": None},
        "errors": [
            {
                "message": "Internal error.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["order"],
                "extensions": {"code": "INTERNAL"},
            }
        ],
    }
    (logged,) = [entry for entry in logs if entry["event"] == "request.failed"]
    assert logged["path"] == ["order"]
    assert isinstance(logged["exc_info"], ProgrammingError)
    assert 'relation "orders" does not exist' in str(logged["exc_info"])
