"""`node` finds whatever has a global id; the schema is there for tools; counts are bounded."""

from pathlib import Path
from typing import cast

import pytest
from graphql import GraphQLScalarType, build_schema

from engine.orders.status import OrderStatus as S
from engine.tokens import SOL
from tests.api.asking import Asking
from tests.factories import accepted, advanced

NODE = """query($id: ID!) {node(id: $id) {
    __typename id ... on Order {status} ... on Pool {kind} ... on Token {symbol} ... on Venue {name}
}}"""


async def test_every_type_of_node_is_found_by_its_id(ask: Asking) -> None:
    order = str((await accepted(ask.services.orders)).id)

    found = [
        (await ask.data(NODE, id=id))["node"]
        for id in (order, "raydium:SOL-USDC", SOL.mint, "meteora")
    ]

    assert found == [
        {"__typename": "Order", "id": order, "status": "PENDING"},
        {"__typename": "Pool", "id": "raydium:SOL-USDC", "kind": "CONSTANT_PRODUCT"},
        {"__typename": "Token", "id": SOL.mint, "symbol": "SOL"},
        {"__typename": "Venue", "id": "meteora", "name": "Meteora"},
    ]


@pytest.mark.parametrize(
    "id", ["", "SOL", "raydium:SOL-DOGE", "0198c5f0-0000-7000-8000-000000000000", "1" * 32, "\x00"]
)
async def test_what_nothing_has_for_an_id_is_null(ask: Asking, id: str) -> None:
    assert await ask.data(NODE, id=id) == {"node": None}


async def test_an_order_has_one_id_only(ask: Asking) -> None:
    id = str((await accepted(ask.services.orders)).id)

    for other in (id.upper(), id.replace("-", ""), f"{{{id}}}", f"urn:uuid:{id}"):
        assert await ask.data(NODE, id=other) == {"node": None}


async def test_every_node_that_is_listed_is_found_by_its_id(ask: Asking) -> None:
    listed = await ask.data("{pools {id} tokens {id} venues {id}}")

    ids = [node["id"] for nodes in listed.values() for node in nodes]
    assert len(set(ids)) == len(ids) > 30
    for id in ids:
        assert (await ask.data(NODE, id=id))["node"]["id"] == id


async def test_a_filter_is_counted_whatever_the_page(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ask.services.orders
    orders = [await accepted(store) for _ in range(5)]
    await advanced(store, orders[0], S.FAILED)
    text = """query($first: Int) {
        all: orders(first: $first) {totalCount}
        failed: orders(filter: {status: [FAILED]}) {totalCount}
    }"""

    few = await ask.data(text, first=2)
    monkeypatch.setattr("api.orders.history._MOST_COUNTED", 4)
    beyond = await ask.data(text)

    assert few == {"all": {"totalCount": 5}, "failed": {"totalCount": 1}}
    assert beyond == {"all": {"totalCount": None}, "failed": {"totalCount": 1}}


@pytest.fixture
def exported() -> str:
    return Path("schema.graphql").read_text(encoding="utf-8")


async def test_the_schema_is_served_as_text_and_says_where_scalars_are_specified(
    ask: Asking, exported: str
) -> None:
    response = await ask._client.get("/schema.graphql")

    assert (response.status_code, response.headers["content-type"]) == (
        *(200, "text/plain; charset=utf-8"),
    )
    assert response.text == exported
    scalars = {
        name: cast(GraphQLScalarType, type_).specified_by_url
        for name, type_ in build_schema(response.text).type_map.items()
        if name in ("Decimal", "DateTime")
    }
    assert scalars == {
        "DateTime": "https://www.rfc-editor.org/rfc/rfc3339",
        "Decimal": "https://www.w3.org/TR/xmlschema11-2/#decimal",
    }
