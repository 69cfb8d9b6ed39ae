"""Request bodies: taken up to the cap, and read no further."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from api.transport.body_limit import BodyLimit
from tests.api.asking import in_process
from tests.api.transport.posting import ANSWERED, ASKED, messages, post

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOO_LONG = "A request body is at most 65536 bytes."


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
