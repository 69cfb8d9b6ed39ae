"""A stack of the bench's own: embedded servers, and the engine's processes with given settings."""

import asyncio
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import psutil
from redis import Redis
from sqlalchemy import text

from cli.stack.embedded import embedded_servers
from cli.stack.supervisor import end_with_parent
from models.database import open_database

_ROOT = Path(__file__).parent.parent
_TEMPLATE = "order_engine"
_READY_SECONDS = 30
_STOP_SECONDS = 10
# Slots four times as fast as real ones: a transaction lands in the next. Shorter ones measure the
# clock: at 20 ms an idle worker spends a fifth of a core on slots alone.
NO_DELAY = {
    "quote_latency_ms": 0,
    "slot_ms": 100,
    "landing_slots_max": 1,
    "confirmation_slots": 0,
    "validity_slots": 600,
}


class BenchFailed(Exception):
    """The engine did not do what is being measured, so that there is no number to report."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Postgres and Redis, alive for the whole bench."""

    directory: Path
    template_url: str
    redis_url: str

    @property
    def socket_directory(self) -> str:
        return self.template_url.partition("host=")[2]

    def database_url(self, name: str) -> str:
        url = self.template_url.replace(f"/{_TEMPLATE}?", f"/{name}?")
        return url.replace("postgresql://", "postgresql+asyncpg://")

    async def create_database(self, name: str, *, template: str = _TEMPLATE) -> None:
        """Make a database like another: an empty one at the newest migration by default."""
        async with (
            open_database(self.database_url("postgres"), pool_size=1) as database,
            database.connect() as connection,
        ):
            await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
            await connection.execute(text("CHECKPOINT"))

    def processes(self) -> dict[str, psutil.Process]:
        pid_files = {
            "postgres": self.directory / "postgres" / "postmaster.pid",
            "redis": self.directory / "redis.pid",
        }
        return {
            name: psutil.Process(int(path.read_text().split()[0]))
            for name, path in pid_files.items()
        }


@contextmanager
def run_servers() -> Iterator[Servers]:
    """Run both servers in a temporary directory, which is removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="order-engine-bench-"))
    directory.chmod(0o755)  # Postgres runs as another user where we are root
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))  # each stream is one
    try:
        with embedded_servers(directory) as (database_url, redis_url):
            servers = Servers(directory, database_url, redis_url)
            _run("migrate", _environment(servers, _TEMPLATE, {}))
            yield servers
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class Engine:
    """The engine's processes on one database and an empty Redis."""

    def __init__(self, servers: Servers, database: str, settings: Mapping[str, object]) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        self.database_url = servers.database_url(database)
        self._servers = servers
        self.database = database
        self._environment = _environment(servers, database, {**settings, "port": self.port})
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        with Redis.from_url(servers.redis_url) as redis:
            redis.flushall()

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        servers: Servers,
        database: str,
        settings: Mapping[str, object],
        processes: Sequence[str] = ("api", "worker", "clock"),
    ) -> AsyncIterator[Self]:
        """Run these processes on a database that is there."""
        engine = cls(servers, database, settings)
        try:
            engine.start(*processes)
            await engine.ready()
            yield engine
        finally:
            engine.stop()

    def start(self, *names: str) -> None:
        """Start processes: ``api``, ``clock``, ``worker``, ``worker-2`` and so on."""
        for name in names:
            with self._log(name).open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "cli", name.partition("-")[0]],
                    cwd=_ROOT,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=end_with_parent(signal.SIGKILL),
                )

    def restart(self, name: str, **settings: object) -> None:
        """Stop a process and start another in its place, with other settings."""
        _stop([self._processes.pop(name)])
        self._environment |= _named(settings)
        self.start(name)

    async def ready(self) -> None:
        """Return once the API says it is ready. Raises BenchFailed when it does not in time."""
        deadline = time.monotonic() + _READY_SECONDS
        async with httpx.AsyncClient(trust_env=False) as client:
            while time.monotonic() < deadline:
                try:
                    answer = await client.get(self.url.replace("/graphql", "/health/ready"))
                    if answer.status_code == httpx.codes.OK:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)
        raise BenchFailed(f"the API is not ready; it said:\n{self._log('api').read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop every process; by force those that do not stop in time."""
        _stop(list(self._processes.values()))

    def processes(self) -> dict[str, psutil.Process]:
        """Return the engine's processes and its servers by name; BenchFailed where one died."""
        dead = [name for name, process in self._processes.items() if process.poll() is not None]
        if dead:
            raise BenchFailed(f"{dead[0]} died:\n{self._log(dead[0]).read_text()[-2000:]}")
        engine = {name: psutil.Process(p.pid) for name, p in self._processes.items()}
        return {**engine, **self._servers.processes()}

    def complaints(self) -> Counter[str]:
        """Count what the processes logged above INFO."""
        return Counter(
            f"{name}: {complaint}"
            for name in self._processes
            for line in self._log(name).read_text(errors="replace").splitlines()
            if (complaint := _complaint(line))
        )

    def _log(self, name: str) -> Path:
        return self._servers.directory / f"{self.database}-{name}.log"


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _complaint(line: str) -> str | None:
    """Return what a log line complains of, without what is different each time."""
    try:
        entry = json.loads(line)
        level, event = entry["level"], str(entry["event"])
    except (ValueError, KeyError, TypeError):
        return f"unstructured {line[:120]}"
    if level in ("debug", "info"):
        return None
    raised = str(entry.get("exception", "")).strip().rpartition("\n")[2]
    said = " ".join(part for part in (level, event, entry.get("code"), raised) if part)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "…", said)[:160]


def _environment(servers: Servers, database: str, settings: Mapping[str, object]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if "ORDER_ENGINE_" not in name}
    servers_at = {"DATABASE_URL": servers.database_url(database), "REDIS_URL": servers.redis_url}
    return {**ours, **servers_at, "ORDER_ENGINE_LOG_FORMAT": "json", **_named(settings)}


def _named(settings: Mapping[str, object]) -> dict[str, str]:
    return {f"ORDER_ENGINE_{name.upper()}": str(value) for name, value in settings.items()}


def _run(command: str, environment: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "cli", command], cwd=_ROOT, env=environment, check=True, timeout=60
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
