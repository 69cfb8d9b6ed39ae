"""Whom a request was meant for: another host is answered with 421, over either transport."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.app import create_app
from api.transport.hosts import HostCheck
from tests.api.asking import in_process
from tests.api.live_server import PROTOCOL, LiveServer
from wiring.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED = {"query": "{ __typename }"}
LOOPBACK = [
    "localhost",
    "LOCALHOST.",
    "desk.localhost:8000",
    "127.0.0.1:8000",
    "127.8.9.1",
    "[::1]",
]
FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "notlocalhost",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "10.0.0.7:8000",
    "0.0.0.0:8000",
    "2130706433",
    "[::2]",
    "",
    "localhost, evil.example",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listening_everywhere(module_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that listens everywhere and has two names."""
    changes = {"host": "0.0.0.0", "allowed_hosts": ("Desk.Example", "::2")}  # noqa: S104
    app = create_app(module_settings.model_copy(update=changes))
    async with app.router.lifespan_context(app), in_process(app) as client:
        yield client


@pytest.mark.parametrize("host", LOOPBACK)
async def test_every_name_of_loopback_is_ours(client: httpx.AsyncClient, host: str) -> None:
    response = await client.post("/graphql", json=ASKED, headers={"host": host})

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("path", ["/graphql", "/", "/static/plain.js", "/schema.graphql", "/none"])
async def test_another_host_is_misdirected(client: httpx.AsyncClient, host: str, path: str) -> None:
    response = await client.request(
        "POST" if path == "/graphql" else "GET", path, json=ASKED, headers={"host": host}
    )

    assert response.status_code == 421
    (error,) = response.json()["errors"]
    assert error["message"].startswith("This server has no such host.")
    assert error["extensions"] == {"code": "FORBIDDEN"}


async def test_two_hosts_are_none(client: httpx.AsyncClient) -> None:
    hosts = [("host", "localhost"), ("host", "evil.example")]

    assert (await client.get("/", headers=hosts)).status_code == 421


@pytest.mark.parametrize("host", ["desk.example", "DESK.example:443", "[::2]:8000", "localhost"])
async def test_names_given_are_ours(listening_everywhere: httpx.AsyncClient, host: str) -> None:
    response = await listening_everywhere.post("/graphql", json=ASKED, headers={"host": host})

    assert response.status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.7", "other.example"])  # noqa: S104
async def test_to_listen_everywhere_is_not_to_have_every_name(
    listening_everywhere: httpx.AsyncClient, host: str
) -> None:
    response = await listening_everywhere.post("/graphql", json=ASKED, headers={"host": host})

    assert response.status_code == 421


async def test_the_host_it_listens_on_is_ours() -> None:
    async def let_in(*_: object) -> None:
        raise AssertionError("let in")

    check = HostCheck(let_in, listens_on="10.0.0.7", allowed=())

    async with in_process(check) as client:
        with pytest.raises(AssertionError, match="let in"):
            await client.get("/", headers={"host": "10.0.0.7:8000"})


async def test_a_probe_may_ask_for_health_by_any_address(client: httpx.AsyncClient) -> None:
    response = await client.get("/health/live", headers={"host": "10.42.0.17:8000"})

    assert response.json() == {"status": "ok"}


async def test_a_websocket_to_another_host_is_misdirected(live_server: LiveServer) -> None:
    host, port = live_server.address

    with pytest.raises(InvalidStatus) as refused:
        await connect(
            f"ws://evil.example:{port}/graphql",
            host=host,
            port=port,
            subprotocols=[PROTOCOL],  # type: ignore[list-item]
            proxy=None,
        )

    assert refused.value.response.status_code == 421
    assert b"ORDER_ENGINE_ALLOWED_HOSTS" in refused.value.response.body
