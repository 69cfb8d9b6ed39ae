"""A real browser on the real stack, and a look at everything that goes wrong in it."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebSocket,
    expect,
)

from hatch_build import STATIC, WEB
from tests.e2e.stack import Stack, wait_until

# Waiting costs nothing where all is well, and the machine may be busy with other things.
_WAIT_MS = 30_000
expect.set_options(timeout=_WAIT_MS)

STRANGER = "stranger.example"
"""A name that leads to this machine, as its owner's name server would have it."""

_FLAGS = [
    f"--host-resolver-rules=MAP {STRANGER} 127.0.0.1",
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)


def _missing() -> str | None:
    if _CHROMIUM is None:
        return "no Chromium is here: apt-get install chromium"
    if not (STATIC / "index.html").exists():
        return "the pages are not built: make pages"
    return None


_MISSING = _missing()
if _MISSING and os.environ.get("BROWSER_TESTS") == "required":
    raise pytest.UsageError(f"The browser tests are required, but {_MISSING}")

collect_ignore_glob = ["test_*.py"] if _MISSING else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _MISSING:
        terminalreporter.line(f"The browser tests were left out: {_MISSING}")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": _CHROMIUM, "args": _FLAGS}


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    # Slots long enough to leave the machine to the browser: the market moves in each.
    with Stack(ORDER_ENGINE_SLOT_MS="100") as stack:
        yield stack


@pytest.fixture(scope="session")
def base_url(stack: Stack) -> str:
    """What addresses such as `/graphql` are relative to."""
    return stack.url.removesuffix("/graphql")


class Watch:
    """What went wrong in the browser; tests that break something say what they expect."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.pending = 0
        self.expected: list[str] = []

    def console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def request(self, request: Request) -> None:
        self.pending += 1
        if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:)", request.url):
            self.wrong.append(f"request to another host: {request.url}")

    def finished(self, request: Request) -> None:
        self.pending -= 1

    def response(self, response: Response) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def failed(self, request: Request) -> None:
        self.pending -= 1
        self.wrong.append(f"failed request: {request.url} {request.failure}")

    def settle(self, page: Page) -> None:
        """Wait until nothing is under way any more, which a reload would break off."""
        wait_until(lambda: page.wait_for_timeout(1_000) or self.pending == 0)

    def unexpected(self) -> list[str]:
        return [text for text in self.wrong if not any(re.search(e, text) for e in self.expected)]


@pytest.fixture(autouse=True)
def watch(context: BrowserContext) -> Iterator[Watch]:
    """Fail a test that leaves an error, a failed request, or a request to another host."""
    watch = Watch()
    context.set_default_timeout(_WAIT_MS)
    context.on("console", watch.console)
    context.on("weberror", lambda error: watch.wrong.append(f"uncaught: {error.error}"))
    context.on("request", watch.request)
    context.on("requestfinished", watch.finished)
    context.on("requestfailed", watch.failed)
    context.on("response", watch.response)
    yield watch
    assert watch.unexpected() == []


class Frames:
    """The graphql-transport-ws messages of a page, in the order they came."""

    def __init__(self, page: Page) -> None:
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.sockets = 0
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framesent", lambda frame: self.sent.append(json.loads(frame)))
        socket.on("framereceived", lambda frame: self.received.append(json.loads(frame)))

    def subscriptions(self, field: str) -> list[dict[str, Any]]:
        """The variables of every subscription to this field, each as it was sent."""
        return [
            message["payload"]["variables"]
            for message in self.sent
            if message["type"] == "subscribe" and field in message["payload"]["query"]
        ]

    def events(self, field: str) -> list[dict[str, Any]]:
        """What came for this field of a query, mutation or subscription."""
        return [
            message["payload"]["data"][field]
            for message in self.received
            if message["type"] == "next" and field in (message["payload"].get("data") or {})
        ]

    def sequences(self, order_id: str) -> list[int]:
        """The sequences that came of one order's stream."""
        events = [e for e in self.events("orderStatus") if e.get("order", {}).get("id") == order_id]
        return [event["sequence"] for event in events]


@pytest.fixture
def frames(page: Page) -> Frames:
    return Frames(page)


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """What axe-core finds wrong with a page."""
    source = (WEB / "node_modules" / "axe-core" / "axe.min.js").read_text()

    def axe(page: Page) -> list[str]:
        # By evaluate, because the page's policy lets no script in from elsewhere.
        page.evaluate(source)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {node['target']} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    return axe
