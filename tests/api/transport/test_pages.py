"""Serving the pages: to whom, with which headers, and what instead where they were not built."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from api.app import create_app
from api.transport import pages
from tests.api.asking import in_process
from wiring.settings import Settings

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for the built pages."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("the desk")
    (tmp_path / "graphiql.html").write_text("GraphiQL")
    (tmp_path / "licences.md").write_text("MIT")
    (tmp_path / "assets" / "desk-abc.js").write_text("let it;")
    (tmp_path / "assets" / "desk-abc.js.gz").write_bytes(gzip.compress(b"let it;"))
    monkeypatch.setattr(pages, "_BUILT", tmp_path)
    return tmp_path


@pytest.fixture
async def client(built: Path, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with app.router.lifespan_context(app), in_process(app) as client:
        yield client


@pytest.mark.parametrize(("path", "text"), [("/", "the desk"), ("/graphql", "GraphiQL")])
async def test_a_browser_gets_the_page(client: httpx.AsyncClient, path: str, text: str) -> None:
    response = await client.get(path, headers={"accept": BROWSER})

    assert (response.status_code, response.text) == (200, text)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    policy = response.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert {"script-src 'self'", "worker-src 'self'", "connect-src 'self'"} < set(policy)
    assert [rule for rule in policy if "unsafe" in rule] == ["style-src 'self' 'unsafe-inline'"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/graphql-response+json"])
async def test_a_program_gets_graphql(client: httpx.AsyncClient, accept: str) -> None:
    response = await client.get("/graphql", headers={"accept": accept})

    assert response.status_code == 400
    assert response.json() == {
        "errors": [
            {
                "message": "There is no `query` in the request.",
                "extensions": {"code": "BAD_REQUEST"},
            }
        ]
    }


async def test_what_has_a_hash_in_its_name_is_kept_for_good(client: httpx.AsyncClient) -> None:
    packed = await client.get("/static/assets/desk-abc.js", headers={"accept-encoding": "gzip"})
    plain = await client.get("/static/assets/desk-abc.js", headers={"accept-encoding": "br"})

    for response in (packed, plain):
        assert response.text == "let it;"
        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["vary"] == "accept-encoding"
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["etag"] != plain.headers["etag"]


async def test_the_rest_is_asked_for_again(client: httpx.AsyncClient) -> None:
    response = await client.get("/static/licences.md")

    assert (response.text, response.headers["cache-control"]) == ("MIT", "no-cache")


@pytest.mark.parametrize("path", ["/static/none.js", "/static/../app.py", "/static/%2e%2e/app.py"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/", "/graphql"])
async def test_pages_that_were_not_built_are_one_that_says_why(
    client: httpx.AsyncClient, built: Path, path: str
) -> None:
    (built / "graphiql.html").unlink()
    (built / "not-built.txt").write_text("No <Node> was found.\n")

    response = await client.get(path, headers={"accept": BROWSER})

    assert response.status_code == 200
    assert "No &lt;Node&gt; was found." in response.text
    assert "script-src 'self'" in response.headers["content-security-policy"]
    for asset in ("plain.js", "plain.css"):
        assert f"/static/{asset}" in response.text
        assert (await client.get(f"/static/{asset}")).status_code == 200


async def test_the_log_says_at_the_start_that_pages_are_missing(
    built: Path, settings: Settings
) -> None:
    (built / "index.html").unlink()
    app = create_app(settings)

    with capture_logs() as logs:
        async with app.router.lifespan_context(app):
            pass

    (said,) = [entry for entry in logs if entry["event"] == "pages.not_built"]
    assert said["log_level"] == "warning"
    assert "make pages" in said["reason"]
