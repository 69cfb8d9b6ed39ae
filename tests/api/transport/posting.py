"""Operations posted over HTTP, and the errors that come of them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

GRAPHQL_RESPONSE = "application/graphql-response+json"
ASKED = {"query": "{ __typename }"}
ANSWERED = {"data": {"__typename": "Query"}}
NOT_JSON = "Unable to parse request body as JSON"


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
