"""Connections that nobody finishes, and more of them than there are files for."""

import asyncio
import errno
import os
import resource
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from api.transport import open_files
from api.transport.connections import MOST_REFUSED, AcceptFailures
from api.transport.open_files import most_connections, raise_file_limit
from tests.api.live_server import PATIENCE_SECONDS, LiveServer, receive, send
from tests.api.transport.test_ws_shutdown import free_address, ready
from tests.waiting import until
from wiring.settings import Settings

HEAD = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b'Content-Length: 27\r\n\r\n{"query": "{ __typename }"}'
TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\n"


@pytest.fixture
async def impatient(module_settings: Settings) -> AsyncIterator[LiveServer]:
    """A server on which a request has half a second to arrive."""
    with LiveServer(module_settings.model_copy(update={"request_timeout_ms": 500})) as server:
        yield server


async def answer_to(server: LiveServer, *parts: bytes, trickle: bytes = b"") -> bytes:
    """Send these parts, then go on with bytes that never come to an end; return what comes back."""
    reader, writer = await asyncio.open_connection(*server.address)

    async def go_on() -> None:
        while trickle:
            writer.write(trickle)
            await asyncio.sleep(0.05)

    try:
        for part in parts:
            writer.write(part)
        trickling = asyncio.create_task(go_on())
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return await reader.read(-1)
            except ConnectionResetError:
                return b""
            finally:
                trickling.cancel()
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("parts", "trickle"),
    [
        ((b"POST",), b""),
        ((HEAD,), b"x-more: 1\r\n"),
        ((HEAD + b"Content-Length: 900\r\n\r\n{",), b" "),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n",), b"1\r\n \r\n"),
    ],
    ids=["a word", "headers", "a body", "chunks"],
)
async def test_a_request_that_does_not_end_is_ended(
    impatient: LiveServer, parts: tuple[bytes, ...], trickle: bytes
) -> None:
    answer = await answer_to(impatient, *parts, trickle=trickle)

    assert answer.startswith(TIMED_OUT)
    await until(lambda: not impatient.server.server_state.connections)


async def test_a_connection_without_a_request_is_closed_without_a_word(
    impatient: LiveServer,
) -> None:
    assert await answer_to(impatient) == b""


async def test_the_next_request_of_a_kept_connection_is_timed_too(impatient: LiveServer) -> None:
    answer = await answer_to(impatient, WHOLE, b"GET / HTTP/1.1\r\n", trickle=b"a: b\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"__typename" in answer
    assert answer.count(TIMED_OUT) == 1


async def test_headers_without_end_are_refused(module_settings: Settings) -> None:
    with LiveServer(module_settings) as server:
        answer = await answer_to(server, HEAD, trickle=b"x-more: " + b"1" * 8_000 + b"\r\n")

        assert answer[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400", b"")
        await until(lambda: not server.server.server_state.connections)


async def test_an_answer_may_take_longer_than_its_request(module_settings: Settings) -> None:
    async def slow(request: Request) -> Response:
        await request.body()
        await asyncio.sleep(0.4)
        return PlainTextResponse("at last")

    app = Starlette(routes=[Route("/graphql", slow, methods=["POST"])])
    impatient = module_settings.model_copy(update={"request_timeout_ms": 100})
    with LiveServer(impatient, app=app) as server:
        host, port = server.address
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"http://{host}:{port}/graphql", json={})

    assert answer.text == "at last"


async def test_a_websocket_outlives_the_time_of_its_request(impatient: LiveServer) -> None:
    async with impatient.acknowledged() as socket:
        await asyncio.sleep(0.7)
        await send(socket, {"type": "ping"})

        assert await receive(socket) == {"type": "pong"}


async def test_connections_far_above_the_cap_are_dropped(module_settings: Settings) -> None:
    with LiveServer(module_settings.model_copy(update={"max_connections": 2})) as server:
        opened = [await asyncio.open_connection(*server.address) for _ in range(MOST_REFUSED + 20)]
        await until(lambda: len(server.server.server_state.connections) == MOST_REFUSED + 2)
        for _, writer in opened:
            writer.close()


def test_the_soft_limit_of_files_is_raised_to_the_hard_one() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))

        assert raise_file_limit() == hard
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("files", "most"),
    [
        (resource.RLIM_INFINITY, 20_000),
        (1_048_576, 20_000),
        (20_000, 20_000 - open_files._SPARE - 18),
        (1_024, 1_024 - open_files._SPARE - 18),
        (64, 32),
    ],
)
def test_connections_stay_below_the_files_there_are(
    files: int, most: int, module_settings: Settings
) -> None:
    assert most_connections(module_settings, files) == most


def test_what_cannot_be_accepted_is_said_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    loop, handler = asyncio.new_event_loop(), AcceptFailures()
    full = {"message": "out of files", "exception": OSError(errno.EMFILE, "Too many open files")}

    with capture_logs() as logs:
        for _ in range(34_750):
            handler(loop, full)
        now += 11
        handler(loop, full)
    loop.close()

    assert [entry["event"] for entry in logs] == ["connections.not_accepted"] * 2
    assert [entry["times"] for entry in logs] == [1, 34_750]


def test_anything_else_is_said_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()

    AcceptFailures()(loop, {"message": "something else", "exception": OSError(errno.EPIPE, "x")})
    loop.close()

    assert [record.message.splitlines()[0] for record in caplog.records] == ["something else"]


async def test_with_few_files_a_crowd_is_turned_away_and_the_rest_served(
    module_settings: Settings,
) -> None:
    address = free_address()
    environment = os.environ | {
        "DATABASE_URL": module_settings.require_database_url,
        "ORDER_ENGINE_PORT": str(address[1]),
    }
    few = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (128, 512)); "
    few += "os.execv(sys.executable, [sys.executable, '-m', 'cli', 'api'])"
    api = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        few,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert api.stdout is not None
    try:
        await ready(address)
        crowd = [await asyncio.open_connection(*address) for _ in range(700)]
        await until(lambda: sum(reader.at_eof() for reader, _ in crowd) >= 200)
        for _, writer in crowd:
            writer.close()
        await ready(address)
    finally:
        api.terminate()
        said = (await api.stdout.read()).decode()
        await api.wait()

    assert "connections.fewer" in said
    assert "not_accepted" not in said
    assert "Too many open files" not in said
