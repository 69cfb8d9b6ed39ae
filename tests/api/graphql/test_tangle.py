"""Documents that would take long to validate are refused before they are."""

from typing import Any

import httpx
import pytest
from graphql import get_introspection_query, parse

from api.graphql import tangle
from api.graphql.tangle import is_tangled


def spread(fragments: int) -> str:
    """A document that spreads so many fragments at one place."""
    names = [f"F{n}" for n in range(fragments)]
    there = " ".join(f"fragment {name} on Query {{ __typename }}" for name in names)
    return f"{{ {' '.join(f'...{name}' for name in names)} }} {there}"


TANGLED = {
    "fields that select": "{" + " orders{nodes{id}}" * 280 + "}",
    "fields that select, deep": "{" + " orders{nodes{events{order{id}}}}" * 150 + "}",
    "fields": "{" + " a:__typename" * 600 + "}",
    "fields with arguments": "{" + ' node(id:"1"){id}' * 190 + "}",
    "fragments": spread(190),
    "fragments for many operations": " ".join(f"query A{n} {{...F}}" for n in range(150))
    + " fragment F on Query {"
    + " __typename" * 900
    + "}",
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("text", TANGLED.values(), ids=TANGLED)
async def test_a_document_that_would_take_long_is_refused_unvalidated(
    client: httpx.AsyncClient, text: str
) -> None:
    name = {"operationName": "A1"} if "query A1" in text else {}

    response = await client.post("/graphql", json={"query": text, **name})

    (error,) = response.json()["errors"]
    assert error["message"].startswith("The document names too many fields or fragments")
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert error["locations"] == [{"line": 1, "column": 1}]


@pytest.mark.parametrize(
    "text",
    [
        get_introspection_query(),
        "{" + " orders{nodes{id}}" * 30 + "}",
        "{" + " __typename" * 200 + "}",
        "{" + " ".join(f"a{n}:order(id:1){{id}}" for n in range(150)) + "}",
        spread(50),
        "{node(id:1){...B}} fragment B on Order{...B events{order{...B}}}",
    ],
    ids=["introspection", "same", "leaves", "aliases", "fragments", "a fragment in itself"],
)
def test_what_people_write_is_taken(text: str) -> None:
    assert not is_tangled(parse(text))


def test_looking_is_bounded_by_what_it_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(*given: Any) -> int:
        looked.append(look_at(*given))
        return looked[-1]

    look_at = tangle._look_at
    monkeypatch.setattr(tangle, "_look_at", look)
    below = [
        f"fragment F{n} on Order{{a:node{{...F{n + 1}}} b:node{{...F{n + 1}}}}}" for n in range(60)
    ]
    text = "{node(id:1){...F0}} fragment F60 on Order{id} " + " ".join(below)

    assert is_tangled(parse(text))
    assert sum(looked[:-1]) <= tangle._MOST_EFFORT


@pytest.mark.asyncio(loop_scope="module")
async def test_a_document_full_of_mistakes_is_told_of_the_first_ten(
    client: httpx.AsyncClient,
) -> None:
    fields = " ".join(f"a{n}: 1" for n in range(600))
    text = f"{{ orders(filter: {{ {fields} }}) {{ __typename }} }}"

    response = await client.post("/graphql", json={"query": text})

    messages = [error["message"] for error in response.json()["errors"]]
    assert len(messages) == 10 + 1
    assert messages[-1] == "Too many validation errors, error limit reached. Validation aborted."
