"""One set of headers on everything that is answered, and no redirect that echoes Host."""

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYTHING = [
    ("GET", "/", 200),
    ("GET", "/static/plain.html", 200),
    ("GET", "/static/plain.js", 200),
    ("GET", "/static/none", 404),
    ("GET", "/schema.graphql", 200),
    ("GET", "/graphql", 400),
    ("POST", "/graphql", 415),
    ("GET", "/health/live", 200),
    ("GET", "/none", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERYTHING)
async def test_every_answer_has_them(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)

    assert response.status_code == status
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} < set(policy)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
async def test_refusals_have_them_too(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.get("/", headers=headers)

    assert response.status_code in (421, 403)
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/static", "/health/live/", "/static/assets", "//evil.example/"])
async def test_a_path_that_is_nearly_one_leads_nowhere(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(f"http://localhost{path}", headers={"host": "x.localhost"})

    assert response.status_code == 404
    assert "location" not in response.headers


async def test_the_one_redirect_names_no_host(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql/?a=b", headers={"host": "x.localhost"})

    assert (response.status_code, response.headers["location"]) == (307, "/graphql?a=b")
