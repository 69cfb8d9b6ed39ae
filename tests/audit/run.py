"""Run the GraphQL over HTTP audits of npm's graphql-http against a stack of its own.

Exit status: 0 when every audit is ok, 1 when one is not, warnings and notices included.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import typer

from cli.stack.supervisor import end_with_parent
from hatch_build import NotBuilt, find_node

_HERE = Path(__file__).parent
_READY_SECONDS = 90
_STOP_SECONDS = 15


def main() -> int:
    node, npm = find_node()
    install = [*npm, "ci", "--ignore-scripts", "--silent"]
    subprocess.run(install, cwd=_HERE, check=True, stdin=subprocess.DEVNULL)
    with _stack() as url:
        audits = [node, str(_HERE / "audit.mjs"), f"{url}/graphql"]
        return subprocess.run(audits, check=False, stdin=subprocess.DEVNULL).returncode


@contextlib.contextmanager
def _stack() -> Iterator[str]:
    """Run Postgres, Redis and the processes; yield the API's address."""
    with tempfile.TemporaryDirectory(prefix="order-engine-audit-") as folder:
        directory, port = Path(folder), _free_port()
        directory.chmod(0o755)  # Postgres runs as another user where we are root
        log = directory / "up.log"
        command = [sys.executable, "-m", "cli", "up"]
        command += ["--data-dir", str(directory / "data"), "--port", str(port)]
        with log.open("wb") as output:
            up = subprocess.Popen(
                command,
                cwd=directory,  # out of reach of a .env file
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=end_with_parent(signal.SIGTERM),
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(up, url, log)
            yield url
        finally:
            _stop(up)


def _environment() -> dict[str, str]:
    """Return this environment without what would change the stack or point it elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL") and not name.startswith("ORDER_ENGINE_")
    }


def _wait_until_ready(up: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline and up.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{url}/health/ready").is_success:
                    return
            time.sleep(0.1)
    raise SystemExit(f"The stack did not start:\n{log.read_text(errors='replace')}")


def _stop(up: subprocess.Popen[bytes]) -> None:
    up.terminate()
    try:
        up.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        up.kill()
        up.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)  # so that what was started is ended


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(main())
    except NotBuilt as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        typer.echo(f"{' '.join(map(str, error.cmd))} ended with {error.returncode}", err=True)
        sys.exit(1)
