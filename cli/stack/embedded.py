"""A real Postgres and a real Redis under the data directory, for machines that have neither."""

import contextlib
import hashlib
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from cli.stack.binaries import ServerNotStarted, postgres_binaries, redis_server
from cli.stack.private import data_folder, open_own, own_folder, own_mode, replace_file, say
from cli.stack.server_user import let_pass, server_uid, server_user
from cli.stack.supervisor import Child, end_with_parent

_START_SECONDS = 30
_STOP_SECONDS = 5
_DATABASE = "order_engine"
_LONGEST_SOCKET_PATH = 80  # of 103, and /postgres/.s.PGSQL.5432 comes after it

# By the account that the kernel says connects: no password is kept anywhere.
_ACCESS = "# Made by order-engine at each start.\nlocal all postgres peer map=stack\n"
_IDENT = '# Made by order-engine at each start.\nstack "{}" postgres\n'


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """How to run a server, and where it is found once it runs."""

    child: Child
    url: str
    log: Path


def prepare_postgres(data_dir: Path) -> EmbeddedServer:
    """Return a durable Postgres 18 on a Unix socket, its cluster made on first use.

    Only our own account may connect. `data_dir` is a folder of ours. Raises NotOurs.
    """
    directory, binaries = data_dir / "postgres", postgres_binaries()
    sockets = _socket_directory(data_dir) / "postgres"
    user = _account()
    if os.geteuid() == 0:
        let_pass((directory, sockets), binaries)
    for folder in {directory, sockets}:
        own_folder(folder, owner=user.pw_uid)
    _stop_leftover(directory / "postmaster.pid", str(directory), signal.SIGINT, user.pw_uid)
    _make_cluster(directory, binaries, user)
    command = [str(binaries / "postgres"), "-D", str(directory), "-k", str(sockets)]
    settings = ("listen_addresses=", "unix_socket_permissions=0700", "max_connections=200")
    for setting in (*settings, "max_wal_size=2GB"):
        command += ["-c", setting]
    log = data_dir / "postgres.log"
    name = user.pw_name if os.geteuid() == 0 else None
    return EmbeddedServer(
        # SIGINT is a fast shutdown: it does not wait for clients to leave.
        child=Child("postgres", command, log=log, user=name, stop_signal=signal.SIGINT),
        url=f"postgresql://postgres@/{_DATABASE}?host={sockets}",
        log=log,
    )


def prepare_redis(data_dir: Path) -> EmbeddedServer:
    """Return a Redis on a Unix socket. It keeps nothing: what it loses is sent again."""
    path = _socket_directory(data_dir) / "redis.sock"
    pid_file = data_dir / "redis.pid"
    _stop_leftover(pid_file, "redis", signal.SIGTERM, os.geteuid())
    command = [redis_server(), "--port", "0", "--unixsocket", str(path)]
    command += ["--unixsocketperm", "700", "--save", ""]
    command += ["--appendonly", "no", "--dir", str(data_dir), "--pidfile", str(pid_file)]
    log = data_dir / "redis.log"
    return EmbeddedServer(Child("redis", command, log=log), f"unix://{path}", log)


def wait_for_postgres(server: EmbeddedServer) -> None:
    """Return once Postgres takes connections and has the engine's database."""
    binaries = postgres_binaries()
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
    data_dir = data_folder(data_dir, servers_user=server_uid())
    with contextlib.ExitStack() as stack:
        urls = []
        for prepare, wait in (
            (prepare_postgres, wait_for_postgres),
            (prepare_redis, wait_for_redis),
        ):
            server = prepare(data_dir)
            stack.enter_context(_running(server))
            wait(server)
            urls.append(server.url)
        yield urls[0], urls[1]


@contextlib.contextmanager
def _running(server: EmbeddedServer) -> Iterator[None]:
    child = server.child
    with open_own(server.log, "a") as log:
        process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
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


def _stop_leftover(pid_file: Path, mark: str, how: signal.Signals, owner: int) -> None:
    """Stop a server that a killed `up` left behind, if it is the one we think it is."""
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if mark not in " ".join(process.cmdline()) or process.uids().effective != owner:
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
    short = Path(tempfile.gettempdir()).resolve() / f"order-engine-run-{os.getuid()}-{digest}"
    own_folder(short, owner=os.geteuid(), mode=own_mode())
    return short


def _account() -> pwd.struct_passwd:
    try:
        return server_user()
    except KeyError:
        raise ServerNotStarted(
            f"User {os.geteuid()} has no name here, which Postgres wants: set DATABASE_URL."
        ) from None


def _make_cluster(directory: Path, binaries: Path, user: pwd.struct_passwd) -> None:
    """Make the cluster on first use, and let in nobody but us, whatever it said before."""
    made = not (directory / "PG_VERSION").exists()
    if made:
        initdb = [str(binaries / "initdb"), "--auth=peer", "--encoding=utf8", "--no-locale"]
        initdb += ["--username=postgres", "--no-instructions", "-D", str(directory)]
        _run(initdb, user.pw_name if os.geteuid() == 0 else None)
    us = pwd.getpwuid(os.geteuid()).pw_name
    replace_file(directory, "pg_ident.conf", _IDENT.format(us), owner=user.pw_uid)
    if replace_file(directory, "pg_hba.conf", _ACCESS, owner=user.pw_uid) and not made:
        say(f"{directory / 'pg_hba.conf'} is rewritten: Postgres lets in {us} alone.")


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
