"""The one-machine stack as a person runs it: `order-engine up` in a process of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

DEADLINE_SECONDS = 60
COMMAND = str(Path(sys.executable).parent / "order-engine")
FAST = {
    "ORDER_ENGINE_SLOT_MS": "40",
    "ORDER_ENGINE_QUOTE_LATENCY_MS": "20",
    "ORDER_ENGINE_STEP_LEASE_MS": "1000",
    "ORDER_ENGINE_SWEEP_INTERVAL_MS": "200",
    "ORDER_ENGINE_STREAM_POLL_INTERVAL_MS": "100",
}


def wait_until(condition: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """Return the first true answer of `condition`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**given: str) -> dict[str, str]:
    """An environment with none of our variables but those given."""
    ours = ("ORDER_ENGINE_", "DATABASE_URL", "REDIS_URL")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**clean, "COLUMNS": "500", **given}


class Stack:
    """A running stack, its processes, and a client of its API."""

    def __init__(
        self, *, data_dir: Path | None = None, source: Path | None = None, **settings: Any
    ) -> None:
        """Run this checkout, or the packages in the folder `source`."""
        self._command = [COMMAND] if source is None else [sys.executable, "-m", "cli"]
        self._source = source
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        self._own_dir = data_dir is None
        self.data_dir = data_dir or new_data_dir()
        self._log = (self.data_dir.parent / f"{self.data_dir.name}-{self.port}.log").open("w+")
        self._settings = settings

    def __enter__(self) -> "Stack":
        self.process = subprocess.Popen(
            [*self._command, "up", "--port", str(self.port), "--data-dir", str(self.data_dir)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=environment(**{**FAST, **self._settings}),
            cwd=self._source,
            start_new_session=True,
        )
        wait_until(lambda: self.is_ready() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._log.close()
        Path(self._log.name).unlink()
        if self._own_dir:
            shutil.rmtree(self.data_dir)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """Stop the stack; return how many seconds it took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(DEADLINE_SECONDS)
        return time.monotonic() - started

    def said(self) -> str:
        """Everything it printed."""
        return Path(self._log.name).read_text()

    def is_ready(self) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=5)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all below it."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def child(self, name: str) -> psutil.Process:
        """The process of this name: api, worker, clock, postgres or redis."""
        process = self.find(name)
        assert process is not None, f"there is no {name}"
        return process

    def find(self, name: str) -> psutil.Process | None:
        """The process of this name; None while there is none, or it has yet to become it."""
        for process in psutil.Process(self.process.pid).children():
            try:
                command = " ".join(process.cmdline())
            except psutil.Error:
                continue  # it has just died
            if f"-m cli {name}" in command or f"/{name}" in command.split(" -")[0]:
                return process
        return None

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = httpx.post(self.url, json={"query": query, "variables": variables}, timeout=30)
        body = answer.json()
        assert "errors" not in body, body
        return body["data"]

    def place(self, **given: Any) -> str:
        """Place a market order; return its id."""
        asked = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"} | given
        payload = self.ask(
            "mutation P($input: ExecuteMarketOrderInput!) { executeMarketOrder(input: $input) "
            "{ order { id } userErrors { code message } } }",
            input=asked,
        )["executeMarketOrder"]
        assert payload["userErrors"] == []
        return payload["order"]["id"]

    def order(self, id: str) -> dict[str, Any]:
        return self.ask(
            "query O($id: ID!) { order(id: $id) { status attempts txSignature isTerminal "
            "events { sequence status attempt failure { code } } } }",
            id=id,
        )["order"]

    def wait_for(self, id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the order is in one of these statuses; return it."""

        def there() -> dict[str, Any] | None:
            order = self.order(id)
            return order if order["status"] in statuses else None

        return wait_until(there)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
            env=environment(),
        )


def new_data_dir() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="order-engine-e2e-"))
    directory.chmod(0o755)
    return directory


def events_of(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]
