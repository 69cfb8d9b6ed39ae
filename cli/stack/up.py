"""The whole stack on one machine, under one supervisor."""

import asyncio
import contextlib
import fcntl
import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import typer

from api.transport.pages import why_not_built
from cli.process import own_address
from cli.stack.binaries import ServerNotStarted
from cli.stack.embedded import (
    EmbeddedServer,
    prepare_postgres,
    prepare_redis,
    wait_for_postgres,
    wait_for_redis,
)
from cli.stack.private import NotOurs, data_folder, open_own
from cli.stack.server_user import server_uid
from cli.stack.supervisor import Child, KeepsDying, Supervisor
from wiring.settings import Settings

_READY_SECONDS = 60
_APPS_STOP_SECONDS = 6.5
_SERVERS_STOP_SECONDS = 2.5


class CannotStart(Exception):
    """The stack cannot run; the message says why and what to do."""


async def run_stack(settings: Settings, *, workers: int) -> None:
    """Run until SIGINT or SIGTERM, then stop everything. Raises CannotStart."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stopped.set)
    stop = asyncio.create_task(stopped.wait())
    supervisor = Supervisor()
    data_dir = _data_folder(settings)
    apps = ["api", "clock", *(f"worker-{n}" for n in range(1, workers + 1))]
    with _only_one(data_dir):
        _require_free_port(settings)
        try:
            run = asyncio.create_task(_run(settings, data_dir, supervisor, apps))
            await supervisor.watch(stop, run)
            if run.done():
                run.result()
                await supervisor.watch(stop)
        except (ServerNotStarted, NotOurs, KeepsDying) as error:
            raise CannotStart(str(error)) from None
        finally:
            await supervisor.stop(apps, seconds=_APPS_STOP_SECONDS)
            await supervisor.stop(["redis", "postgres"], seconds=_SERVERS_STOP_SECONDS)
    typer.echo("Stopped. The data is kept.")


async def _run(settings: Settings, data_dir: Path, supervisor: Supervisor, apps: list[str]) -> None:
    """Start the servers, the migrations, and the processes, in this order."""
    database_url, redis_url = settings.database_url, settings.redis_url
    if database_url is None:
        database_url = await _serve(supervisor, prepare_postgres(data_dir), wait_for_postgres)
    if redis_url is None:
        redis_url = await _serve(supervisor, prepare_redis(data_dir), wait_for_redis)
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ORDER_ENGINE_DATA_DIR": str(data_dir),
        "ORDER_ENGINE_HOST": settings.host,
        "ORDER_ENGINE_PORT": str(settings.port),
    }
    api, *others = (
        Child(name, [sys.executable, "-m", "cli", name.partition("-")[0]], environment)
        for name in apps
    )
    # The api may start before its tables are there: it is not ready until they are.
    supervisor.start(api)
    await _migrate(environment)
    for child in others:
        supervisor.start(child)
    await _ready(settings)
    _welcome(settings)


async def _serve(supervisor: Supervisor, server: EmbeddedServer, wait) -> str:  # type: ignore[no-untyped-def]
    supervisor.start(server.child)
    await asyncio.to_thread(wait, server)
    return server.url


async def _migrate(environment: dict[str, str]) -> None:
    """Migrate in a process of its own: its libraries are not ours to carry for ever."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli", "migrate"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise CannotStart(f"the migrations failed:\n{said.decode(errors='replace')}")


async def _ready(settings: Settings) -> None:
    url, said = f"http://{own_address(settings)}/health/ready", ""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while True:
                    with contextlib.suppress(httpx.HTTPError):
                        answer = await client.get(url)
                        if answer.status_code == httpx.codes.OK:
                            return
                        said = answer.text
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise CannotStart(f"{url} is not well after {_READY_SECONDS} s: {said}") from None


def _welcome(settings: Settings) -> None:
    url = f"http://{own_address(settings)}/graphql"
    query = (
        'mutation { executeMarketOrder(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "1.5"}) '
        "{ order { id status } userErrors { code message } } }"
    )
    body = '{"query": "' + query.replace('"', '\\"') + '"}'
    curl = f"curl -s {url} -H 'content-type: application/json' -d {shlex.quote(body)}"
    command = Path(sys.argv[0])
    with contextlib.suppress(ValueError):
        command = command.resolve().relative_to(Path.cwd())
    base = url.removesuffix("graphql")
    typer.echo(
        f"\n{why_not_built() or f'The trading desk is at {base}'}\n"
        f"GraphQL is at {url}, for a browser too\n\n"
        f"An order, followed to its end:\n  {command} order SOL USDC 1.5 --url {url}\n\n"
        f"The same with curl:\n  {curl}\n\nCtrl-C stops everything; the data stays.\n"
    )


def _data_folder(settings: Settings) -> Path:
    try:
        return data_folder(settings.data_dir, servers_user=server_uid())
    except NotOurs as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        text = f"cannot use the data directory {settings.data_dir}: {error}"
        raise CannotStart(text) from None


@contextlib.contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock; the kernel lets go of it however we end."""
    try:
        lock = open_own(data_dir / "up.lock", "a+")
    except NotOurs as error:
        raise CannotStart(str(error)) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise CannotStart(
                f"{data_dir} is in use by process {lock.read().strip() or 'unknown'}. "
                "Stop it, or give this one its own --data-dir and --port."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _require_free_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise CannotStart(
                f"cannot listen on {settings.host}:{settings.port} ({error.strerror}). "
                "Something else does: choose another --port."
            ) from None
