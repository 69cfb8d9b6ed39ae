"""The one-machine stack under test: real servers and processes, each of which can be made to fail.

Between the engine and its servers, and between the clients and the API, stand proxies of ours.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx
import psutil
from redis.asyncio import Redis

from cli.stack.embedded import (
    EmbeddedServer,
    prepare_postgres,
    prepare_redis,
    wait_for_postgres,
    wait_for_redis,
)
from cli.stack.supervisor import end_with_parent
from tests.e2e.stack import environment, free_port
from tests.faults.proxy import Proxy, to_port, to_unix

RESTART_SECONDS = 0.3
_ROOT = Path(__file__).parent.parent.parent
_READY_SECONDS = 60
_STOP_SECONDS = 10
_FILES = 16_384

FAST = {
    "ORDER_ENGINE_SLOT_MS": "100",
    "ORDER_ENGINE_QUOTE_LATENCY_MS": "50",
    "ORDER_ENGINE_STEP_LEASE_MS": "2000",
    "ORDER_ENGINE_SWEEP_INTERVAL_MS": "500",
    "ORDER_ENGINE_STREAM_POLL_INTERVAL_MS": "500",
    "ORDER_ENGINE_RETRY_MAX_BACKOFF_MS": "2000",
}
"""For the short form; the long one runs with the defaults."""


class Process:
    """A process that is started again when it dies, unless it is held down."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.deaths = 0
        self.restart_seconds = RESTART_SECONDS
        self._command, self._env = command, env
        self._user: str | None = None
        self._group: int | None = None
        self._stop_signal = signal.SIGTERM
        self._up = asyncio.Event()
        self._up.set()
        self._held_by = 0
        self._ending = False
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @classmethod
    def of_server(cls, server: EmbeddedServer) -> "Process":
        child = server.child
        process = cls(child.name, list(child.command), dict(os.environ), server.log)
        process._user, process._group = child.user, child.group
        process._stop_signal = child.stop_signal
        return process

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    @property
    def pid(self) -> int | None:
        """The running process, None where it is down."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def send(self, signum: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signum)

    @property
    def held(self) -> bool:
        """Whether somebody wants it down."""
        return self._held_by > 0

    def hold_down(self) -> None:
        """Do not start it again until all who hold it `let_up`."""
        self._held_by += 1
        self._up.clear()

    def let_up(self) -> None:
        self._held_by -= 1
        if not self._held_by:
            self._up.set()

    async def run_again(self, env: Mapping[str, str]) -> None:
        """Stop it and start it with another environment."""
        self._env = {**self._env, **env}
        old = self.pid
        self.send(self._stop_signal)
        async with asyncio.timeout(_STOP_SECONDS * 2):
            while self.pid in (None, old):
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._ending = True
        self._up.set()
        self.send(signal.SIGCONT)
        self.send(self._stop_signal)
        assert self._keeper is not None
        _, pending = await asyncio.wait({self._keeper}, timeout=_STOP_SECONDS)
        if pending:
            self.send(signal.SIGKILL)
            await asyncio.wait({self._keeper})

    async def _keep(self) -> None:
        while not self._ending:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    cwd=_ROOT if self._user is None else "/",
                    env=dict(self._env),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    user=self._user,
                    group=self._group,
                    extra_groups=None if self._user is None else [],
                    preexec_fn=end_with_parent(signal.SIGKILL),
                )
            await self._process.wait()
            self.deaths += 1
            if not self._ending:
                await asyncio.sleep(self.restart_seconds)
                await self._up.wait()


def _allow_many_connections() -> None:
    """Raise what a shell's default of 1,024 files would forbid, here and in the engine."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if least != resource.RLIM_INFINITY and least < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))


class Machine:
    """The stack, its proxies and its directory; everything ends with the context."""

    def __init__(self, *, workers: int = 2, breakage: str | None = None, **settings: Any) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="order-engine-faults-"))
        self.directory.chmod(0o755)
        self.faults = self.directory / "faults"
        self.faults.mkdir()
        self.ports = {name: free_port() for name in ("api-direct", "postgres", "redis", "api")}
        self.url = f"http://127.0.0.1:{self.ports['api']}/graphql"
        self.direct_url = f"http://127.0.0.1:{self.ports['api-direct']}/graphql"
        self.processes: dict[str, Process] = {}
        self.proxies: dict[str, Proxy] = {}
        self.workers = [f"worker-{n}" for n in range(1, workers + 1)]
        self.environment = environment(
            **settings,
            DATABASE_URL=f"postgresql://postgres@127.0.0.1:{self.ports['postgres']}/order_engine",
            REDIS_URL=f"redis://127.0.0.1:{self.ports['redis']}/0",
            ORDER_ENGINE_DATA_DIR=str(self.directory),
            ORDER_ENGINE_PORT=str(self.ports["api-direct"]),
            ORDER_ENGINE_LOG_FORMAT="json",
            FAULTS_DIRECTORY=str(self.faults),
            **({"FAULTS_BREAKAGE": breakage} if breakage else {}),
        )
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        _allow_many_connections()
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        engine = [p for name, p in self.processes.items() if name not in ("postgres", "redis")]
        await asyncio.gather(*(process.stop() for process in engine))
        await self._exit.aclose()
        servers = [p for name, p in self.processes.items() if name in ("postgres", "redis")]
        await asyncio.gather(*(process.stop() for process in servers))
        shutil.rmtree(self.directory, ignore_errors=True)

    def add(self, name: str, **env: str) -> Process:
        """Start one more process of the engine: ``worker-3``, say."""
        command = [sys.executable, "-m", "tests.faults.process", name.partition("-")[0]]
        process = Process(
            name, command, {**self.environment, **env}, self.directory / f"{name}.log"
        )
        self.processes[name] = process
        process.start()
        return process

    async def remove(self, name: str) -> None:
        """Stop a process that `add` started."""
        await self.processes.pop(name).stop()

    async def ready(self, seconds: float = _READY_SECONDS) -> float:
        """Wait until the API says that all is well; return after how long. Raises TimeoutError."""
        began = time.monotonic()
        url = self.direct_url.replace("/graphql", "/health/ready")
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            async with asyncio.timeout(seconds):
                while True:
                    with contextlib.suppress(httpx.HTTPError):
                        if (await client.get(url)).status_code == httpx.codes.OK:
                            return time.monotonic() - began
                    await asyncio.sleep(0.05)

    async def database(self) -> asyncpg.Connection:
        """Connect to Postgres past the proxy, and wait until that is possible."""
        async with asyncio.timeout(_READY_SECONDS):
            while True:
                with contextlib.suppress(OSError, asyncpg.PostgresError):
                    return await asyncpg.connect(
                        host=str(self.directory / "postgres"),
                        user="postgres",
                        database="order_engine",
                    )
                await asyncio.sleep(0.05)

    def redis(self) -> Redis:
        """Return a client of Redis past the proxy."""
        return Redis(unix_socket_path=str(self.directory / "redis.sock"))

    def memory_mb(self, name: str) -> float:
        """Return what a process holds; 0 where it is down."""
        pid = self.processes[name].pid
        return 0.0 if pid is None else psutil.Process(pid).memory_info().rss / 1e6

    def said(self, name: str) -> str:
        """Return what a process wrote."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    async def _start(self) -> None:
        postgres, redis = prepare_postgres(self.directory), prepare_redis(self.directory)
        for server, wait in ((postgres, wait_for_postgres), (redis, wait_for_redis)):
            process = self.processes[server.child.name] = Process.of_server(server)
            process.start()
            await asyncio.to_thread(wait, server)
        reach = {
            "postgres": to_unix(str(self.directory / "postgres" / ".s.PGSQL.5432")),
            "redis": to_unix(str(self.directory / "redis.sock")),
            "api": to_port(self.ports["api-direct"]),
        }
        for name, far in reach.items():
            self.proxies[name] = await self._exit.enter_async_context(Proxy(self.ports[name], far))
        migrate = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "migrate"), cwd=_ROOT, env=self.environment
        )
        assert await migrate.wait() == 0, "the migrations failed"
        for name in ("api", "clock", *self.workers):
            self.add(name)
        await self.ready()
