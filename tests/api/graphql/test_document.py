"""What a document may ask for, however its fragments are folded; and input no database can hold."""

import json

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_CLIENT_ID = "query ($text: String!) { orderByClientOrderId(clientOrderId: $text) { id } }"
BY_VENUE = "query ($text: ID!) { orders(filter: {venue: $text}) { nodes { id } } }"
SINCE = "query ($text: DateTime!) { orders(filter: {createdAfter: $text}) { nodes { id } } }"


async def errors(client: httpx.AsyncClient, query: str, **variables: object) -> list[str]:
    response = await client.post(
        "/graphql",
        content=json.dumps({"query": query, "variables": variables}),
        headers={"content-type": "application/json"},
    )
    assert response.status_code == 200
    return [error["message"] for error in response.json().get("errors", [])]


def folded(fragments: int) -> str:
    """A document whose fragments each spread the next one twice."""
    twice = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(fragments)]
    return f"{{ ...F0 }} {' '.join(twice)} fragment F{fragments} on Query {{ __typename }}"


async def test_fragments_that_double_a_hundred_times_are_judged_at_once(
    client: httpx.AsyncClient,
) -> None:
    assert await errors(client, folded(100)) == []


async def test_a_fragment_counts_as_deep_as_what_it_stands_for(client: httpx.AsyncClient) -> None:
    cycle = "events { order { " * 5
    inner = "fragment O on Order { " + cycle + "id" + " } }" * 5 + " }"

    at_the_limit = await errors(client, "{ orders(first: 0) { nodes { ...O } } } " + inner)
    below_it = await errors(client, "{ orders { nodes { events { order { ...O } } } } } " + inner)

    assert at_the_limit == []
    assert below_it == ["An operation is at most 12 deep."]


async def test_an_unknown_fragment_is_named(client: httpx.AsyncClient) -> None:
    assert await errors(client, "{ ...Nope }") == ["Unknown fragment 'Nope'."]


async def test_of_several_operations_one_must_be_named(client: httpx.AsyncClient) -> None:
    query = "query A { __typename } query B { tokens { symbol } }"

    unnamed = await client.post("/graphql", json={"query": query})
    named = await client.post("/graphql", json={"query": query, "operationName": "A"})

    (error,) = unnamed.json()["errors"]
    assert error["message"] == "Say with `operationName` which operation is meant."
    assert named.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("text", ["\x00", "\ud800"])
async def test_text_no_database_can_hold_finds_nothing(
    client: httpx.AsyncClient, text: str
) -> None:
    assert await errors(client, BY_CLIENT_ID, text=text) == []
    assert await errors(client, BY_VENUE, text=text) == ["filter.venue: No venue has this id."]


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_instant_beyond_the_calendar_is_refused(
    client: httpx.AsyncClient, text: str
) -> None:
    (error,) = await errors(client, SINCE, text=text)

    assert error.startswith("Variable '$text' has invalid value: A DateTime is an RFC 3339 instant")
