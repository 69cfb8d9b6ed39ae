"""Following a stream: what ends it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import nullcontext
from typing import Any

import pytest
from gql import gql

from cli.client import connection

DEADLINE_SECONDS = 30


async def breaks_when_cancelled() -> AsyncGenerator[dict[str, Any], None]:
    yield {"n": 1}
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ConnectionResetError("the stop was sent to nobody") from None


async def ends_when_cancelled() -> AsyncGenerator[dict[str, Any], None]:
    yield {"n": 1}
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


@pytest.mark.parametrize("stream", [breaks_when_cancelled, ends_when_cancelled])
async def test_an_interrupt_that_meets_an_error_still_ends_the_following(
    stream: Callable[[], AsyncGenerator[dict[str, Any], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "Client", lambda transport: nullcontext())
    monkeypatch.setattr(connection, "_results", lambda *_: stream())
    seen = asyncio.Event()

    async def follow() -> None:
        events = connection.follow("http://127.0.0.1:1/graphql", gql("{ version }"), dict)
        async for _ in events:
            seen.set()

    following = asyncio.create_task(follow())
    async with asyncio.timeout(DEADLINE_SECONDS):
        await seen.wait()
        await asyncio.sleep(0)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
