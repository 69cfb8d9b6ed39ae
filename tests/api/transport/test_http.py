"""GraphQL over HTTP: what is answered, and how every request that cannot be is refused."""

import json

import httpx
import pytest

from tests.api.transport.posting import ANSWERED, ASKED, GRAPHQL_RESPONSE, NOT_JSON, messages, post

pytestmark = pytest.mark.asyncio(loop_scope="module")
SUBSCRIPTION = 'subscription { orderStatus(orderId: "x") { sequence } }'
NOT_AN_OPERATION = "An operation is one JSON object; batches are not taken."
NOT_A_BODY = "A request body is application/json in UTF-8."
NO_QUERY = "There is no `query` in the request."


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
