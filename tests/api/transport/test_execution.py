"""Documents over HTTP: executed within limits, else answered with their errors alone."""

from uuid import uuid4

import httpx
import pytest
from graphql import get_introspection_query
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from api.app import create_app
from tests.api.asking import in_process
from tests.api.transport.posting import GRAPHQL_RESPONSE, messages, post
from wiring.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOO_MANY_TOKENS = "Syntax Error: Document contains more than 2000 tokens. Parsing aborted."
TOO_DEEP = "Syntax Error: Document is nested too deeply. Parsing aborted."


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
