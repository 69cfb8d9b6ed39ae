"""Pages of other origins in a real browser: a front end on another port, and one of a stranger."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from cli.stack.supervisor import end_with_parent
from hatch_build import WEB, find_node
from tests.e2e.stack import Stack, free_port, wait_until
from tests.web.browser.conftest import STRANGER, Watch

HERE = Path(__file__).parents[1] / "clients"
EVENTS = ["PENDING", "ROUTING", "BUILDING", "SUBMITTED", "CONFIRMED"]


@pytest.fixture(scope="module")
def port(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a development server that serves the clients' page."""
    node, npm = find_node()
    subprocess.run([*npm, "ci", "--ignore-scripts", "--silent"], cwd=HERE, check=True)
    port, folder = free_port(), tmp_path_factory.mktemp("vite")
    command = [node, str(WEB / "node_modules" / "vite" / "bin" / "vite.js"), "--port", str(port)]
    environment = {"API": stack.url.removesuffix("/graphql"), "CACHE": str(folder)}
    with (folder / "log").open("wb") as log:
        vite = subprocess.Popen(
            command,
            cwd=HERE,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent(signal.SIGTERM),
        )
    try:
        wait_until(lambda: vite.poll() is not None or _serves(port))
        assert vite.poll() is None, (folder / "log").read_text()
        yield port
    finally:
        vite.terminate()
        vite.wait()


def _serves(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def ask(page: Page, call: str, url: str) -> Any:
    """Call one of the page's clients once they are loaded."""
    page.wait_for_function("window.clients !== undefined")
    return page.evaluate(f"url => window.clients.{call}(url)", url)


@pytest.mark.parametrize("client", ["withGraphqlWs", "withApollo", "withUrql"])
def test_a_front_end_on_another_port_places_an_order_and_follows_it(
    page: Page, stack: Stack, port: int, client: str
) -> None:
    page.goto(f"http://127.0.0.1:{port}/")

    assert ask(page, client, stack.url) == EVENTS


def test_a_front_end_that_says_localhost_does_too(
    page: Page, stack: Stack, port: int, watch: Watch
) -> None:
    watch.expected = ["request to another host: http://localhost:"]
    page.goto(f"http://localhost:{port}/")

    assert ask(page, "withApollo", stack.url) == EVENTS


@pytest.mark.parametrize("path", ["graphql", "passed-on"])
@pytest.mark.parametrize("client", ["withGraphqlWs", "withUrql"])
def test_a_front_end_behind_its_development_server_does_too(
    page: Page, port: int, client: str, path: str
) -> None:
    page.goto(f"http://127.0.0.1:{port}/")

    assert ask(page, client, f"http://127.0.0.1:{port}/{path}") == EVENTS


def test_a_strangers_page_can_neither_ask_nor_follow(
    page: Page, stack: Stack, port: int, watch: Watch
) -> None:
    watch.expected = [STRANGER, "403", "Failed to load resource", "failed request"]
    page.goto(f"http://{STRANGER}:{port}/")
    before = stack.ask("{ orders { totalCount } }")

    with pytest.raises(Exception, match="Failed to fetch"):
        ask(page, "placeWithFetch", stack.url)
    simple = "url => fetch(url, {method: 'POST', mode: 'no-cors', body: '{}'}).then(r => r.type)"
    assert page.evaluate(simple, stack.url) == "opaque"
    assert ask(page, "opens", stack.url) == "error"

    assert stack.ask("{ orders { totalCount } }") == before


def test_a_strangers_page_can_neither_embed_nor_frame(
    page: Page, stack: Stack, port: int, watch: Watch
) -> None:
    watch.expected = [STRANGER, "403", "Failed to load resource", "failed request", "frame"]
    page.goto(f"http://{STRANGER}:{port}/")
    load = """([tag, url]) => new Promise(resolve => {
        const element = document.createElement(tag);
        element.onload = () => resolve('load');
        element.onerror = () => resolve('error');
        element.src = url;
        document.body.append(element);
    })"""

    assert page.evaluate(load, ["script", f"{stack.url}?query={{__typename}}"]) == "error"
    assert page.evaluate(load, ["img", f"{stack.url}?query={{__typename}}"]) == "error"
    for path in ("/", "/static/index.html", "/graphql"):
        with page.expect_response(f"**{path}") as answered:
            page.evaluate(load, ["iframe", stack.url.removesuffix("/graphql") + path])
        assert answered.value.status == 403


def test_a_stranger_whose_name_leads_here_is_refused(
    page: Page, stack: Stack, watch: Watch
) -> None:
    watch.expected = [STRANGER, "421", "Failed to load resource"]

    answer = page.goto(f"http://{STRANGER}:{stack.port}/graphql")

    assert answer is not None
    assert answer.status == 421
    post = "() => fetch('/graphql', {method: 'POST', body: '{}'}).then(r => r.status)"
    assert page.evaluate(post) == 421
    opens = """() => new Promise(resolve => {
        const socket = new WebSocket('/graphql', 'graphql-transport-ws');
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('error');
    })"""
    assert page.evaluate(opens) == "error"
