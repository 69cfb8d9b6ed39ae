"""Whose pages may use the API, over either transport, and what their browsers are told."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.app import create_app
from tests.api.asking import in_process
from tests.api.live_server import ACK, INIT, PROTOCOL, LiveServer, receive, send
from wiring.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED = {"query": "{ __typename }"}
ORDER = (
    'mutation { executeMarketOrder(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "1"}) '
    "{ order { id } } }"
)
LET_IN = [
    "http://localhost",  # the server's own
    "http://localhost:5173",
    "https://localhost:3000",
    "http://127.0.0.1:4200",
    "http://[::1]:8080",
    "http://desk.localhost:1234",
    "https://desk.example",
    "chrome-extension://abcdef",
]
FOREIGN = [
    "null",
    "http://evil.example",
    "http://localhost.evil.example",
    "http://desk.example",  # only https is allowed
    "https://desk.example:8443",
    "https://evil.desk.example",
    "chrome-extension://fedcba",
    "file://",
    "http://localhost@evil.example",
    "http://localhost:5173, http://evil.example",
    "localhost:5173",
    "ftp://localhost",
    "*",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(module_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that lets pages of two more origins in."""
    allowed = ("https://desk.example:443", "chrome-extension://abcdef")
    app = create_app(module_settings.model_copy(update={"allowed_origins": allowed}))
    async with app.router.lifespan_context(app), in_process(app) as client:
        yield client


@pytest.mark.parametrize("origin", LET_IN)
async def test_a_page_that_is_let_in_may_read_the_answer(
    client: httpx.AsyncClient, origin: str
) -> None:
    response = await client.post("/graphql", json=ASKED, headers={"origin": origin})

    assert response.json() == {"data": {"__typename": "Query"}}
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("origin", LET_IN)
async def test_its_browser_is_told_beforehand_what_it_may_send(
    client: httpx.AsyncClient, origin: str
) -> None:
    response = await client.options(
        "/graphql",
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "Content-Type, traceparent",
        },
    )

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert allowed == ["authorization", "content-type", "traceparent"]
    assert response.headers["access-control-max-age"] == "7200"
    assert response.headers["vary"] == "Origin"


async def test_a_public_page_that_is_let_in_may_ask_a_private_network(
    client: httpx.AsyncClient,
) -> None:
    asked = {"origin": "https://desk.example", "access-control-request-method": "POST"}
    asked["access-control-request-private-network"] = "true"

    response = await client.options("/graphql", headers=asked)

    assert response.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_another_page_is_refused_and_nothing_is_done(
    client: httpx.AsyncClient, origin: str, content_type: str
) -> None:
    response = await client.post(
        "/graphql", json={"query": ORDER}, headers={"origin": origin, "content-type": content_type}
    )

    assert response.status_code == 403
    (error,) = response.json()["errors"]
    assert error["message"].startswith("Pages of this origin are not let in.")
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["vary"] == "Origin"
    stored = await client.post("/graphql", json={"query": "{ orders { totalCount } }"})
    assert stored.json() == {"data": {"orders": {"totalCount": 0}}}


@pytest.mark.parametrize("origin", FOREIGN)
async def test_its_browser_is_not_told_that_it_may_send(
    client: httpx.AsyncClient, origin: str
) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}

    response = await client.options("/graphql", headers=asked)

    assert response.status_code == 403
    assert [name for name in response.headers if name.startswith("access-control")] == []


async def test_errors_may_be_read_too(client: httpx.AsyncClient) -> None:
    origin = {"origin": "http://localhost:5173"}

    too_long = await client.post("/graphql", content=b"x" * 70_000, headers=origin)
    not_there = await client.get("/none", headers=origin)

    assert (too_long.status_code, not_there.status_code) == (413, 404)
    for response in (too_long, not_there):
        assert response.headers["access-control-allow-origin"] == origin["origin"]


async def test_programs_without_an_origin_work_as_ever(client: httpx.AsyncClient) -> None:
    posted = await client.post("/graphql", json=ASKED)
    got = await client.get("/graphql", params=ASKED)

    assert posted.json() == got.json() == {"data": {"__typename": "Query"}}
    assert posted.headers["vary"] == got.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in posted.headers


def fetched(site: str, mode: str = "no-cors", dest: str = "image") -> dict[str, str]:
    """The headers with which a browser asks for what a page shows or leads to."""
    return {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("path", "mode", "dest"),
    [
        ("/graphql?query={__typename}", "no-cors", "image"),
        ("/graphql?query={__typename}", "no-cors", "script"),
        ("/graphql?query={__typename}", "navigate", "document"),
        ("/graphql?query={__typename}", "navigate", "iframe"),
        ("/", "navigate", "iframe"),
        ("/static/index.html", "navigate", "iframe"),
        ("/static/plain.js", "no-cors", "script"),
    ],
)
async def test_what_another_page_embeds_or_asks_by_a_link_is_refused(
    client: httpx.AsyncClient, site: str, path: str, mode: str, dest: str
) -> None:
    assert (await client.get(path, headers=fetched(site, mode, dest))).status_code == 403


@pytest.mark.parametrize("path", ["/", "/graphql", "/health/live"])
async def test_a_link_from_elsewhere_leads_to_our_pages(
    client: httpx.AsyncClient, path: str
) -> None:
    asked = {**fetched("cross-site", "navigate", "document"), "accept": "text/html"}

    assert (await client.get(path, headers=asked)).status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_our_pages_and_the_address_bar_may_ask(client: httpx.AsyncClient, site: str) -> None:
    asked = fetched(site, "navigate", "document")

    assert (await client.get("/graphql", params=ASKED, headers=asked)).is_success


async def test_a_page_of_loopback_is_let_in_though_its_site_is_another(
    client: httpx.AsyncClient,
) -> None:
    asked = {**fetched("cross-site", "cors", "empty"), "origin": "http://127.0.0.1:5173"}

    assert (await client.get("/graphql", params=ASKED, headers=asked)).is_success


async def test_a_page_behind_a_proxy_of_its_own_is_let_in(client: httpx.AsyncClient) -> None:
    # Development proxies pass Origin on, and Host or not.
    for host in ("localhost:5173", "127.0.0.1:8000"):
        asked = {"origin": "http://localhost:5173", "host": host}

        assert (await client.post("/graphql", json=ASKED, headers=asked)).is_success


@pytest.mark.parametrize("origin", [None, "http://localhost:5173", "http://[::1]:3000", "own"])
async def test_a_websocket_of_a_page_that_is_let_in_is_opened(
    live_server: LiveServer, origin: str | None
) -> None:
    host, port = live_server.address
    given = f"http://{host}:{port}" if origin == "own" else origin

    async with connect(
        f"ws://{host}:{port}/graphql",
        origin=given,  # type: ignore[arg-type]
        subprotocols=[PROTOCOL],  # type: ignore[list-item]
        proxy=None,
    ) as socket:
        await send(socket, INIT)

        assert await receive(socket) == ACK


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "https://desk.example"])
async def test_a_websocket_of_another_page_is_refused(live_server: LiveServer, origin: str) -> None:
    host, port = live_server.address

    with pytest.raises(InvalidStatus) as refused:
        await connect(
            f"ws://{host}:{port}/graphql",
            origin=origin,  # type: ignore[arg-type]
            subprotocols=[PROTOCOL],  # type: ignore[list-item]
            proxy=None,
        )

    assert refused.value.response.status_code == 403
    assert b"ORDER_ENGINE_ALLOWED_ORIGINS" in refused.value.response.body
