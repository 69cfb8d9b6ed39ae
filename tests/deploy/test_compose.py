"""docker-compose.yml against the Compose Specification, and against the code that it starts.

No Docker is needed: what only a Docker could show is not shown here.
"""

import json
import re
from graphlib import TopologicalSorter
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
import yaml
from jsonschema.validators import validator_for

from cli.main import app
from wiring.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def _with_defaults(node: Any) -> Any:
    """Return the file as Compose reads it where none of its variables is set."""
    if isinstance(node, dict):
        return {name: _with_defaults(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_with_defaults(value) for value in node]
    if isinstance(node, str):
        return VARIABLE.sub(lambda found: found[2] or "", node)
    return node


COMPOSE = _with_defaults(yaml.safe_load(TEXT))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
SETTINGS = {
    field.validation_alias or f"ORDER_ENGINE_{name.upper()}"
    for name, field in Settings.model_fields.items()
}


def _is_checked(name: str) -> bool:
    """Say whether Docker checks the health of this service, by the file or by our image."""
    check = SERVICES[name].get("healthcheck")
    if check is not None:
        return not check.get("disable", False)
    return name in OURS and "\nHEALTHCHECK " in (ROOT / "Dockerfile").read_text()


def test_file_is_valid_by_the_compose_specification() -> None:
    vendored = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    path = distribution("check-jsonschema").locate_file(vendored)
    schema = json.loads(Path(str(path)).read_text())
    errors = validator_for(schema)(schema).iter_errors(COMPOSE)

    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_every_process_of_the_engine_is_there() -> None:
    assert OURS == ["api", "clock", "migrate", "worker"]
    assert {SERVICES[name]["image"] for name in OURS} == {"order-engine:local"}


@pytest.mark.parametrize("name", OURS)
def test_command_is_one_of_the_command_line(name: str) -> None:
    words = SERVICES[name]["command"]
    assert isinstance(words, list), "a string would be split by Compose, not by us"
    group = typer.main.get_group(app)
    context = group.make_context("order-engine", [], resilient_parsing=True)

    assert words[0] == name
    command = group.get_command(context, words[0])
    assert command is not None
    command.make_context(words[0], words[1:], parent=context)  # refuses an unknown option


@pytest.mark.parametrize("name", OURS)
def test_environment_is_known_and_accepted_by_the_settings(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = SERVICES[name]["environment"]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)

    assert set(environment) - SETTINGS == set()
    settings = Settings(_env_file=None)
    assert settings.require_database_url
    assert settings.require_redis_url


def test_replicas_share_one_environment() -> None:
    first, *others = (SERVICES[name]["environment"] for name in OURS)

    assert all(environment == first for environment in others)


def test_every_variable_is_known_and_has_a_default() -> None:
    found = VARIABLE.findall(TEXT)

    assert {name for name, _ in found} - SETTINGS == {"POSTGRES_PASSWORD"}
    assert [name for name, default in found if not default] == []
    assert TEXT.count("${") == len(found)


def test_addresses_lead_to_the_servers_of_this_file() -> None:
    environment = SERVICES["api"]["environment"]
    database, redis = urlsplit(environment["DATABASE_URL"]), urlsplit(environment["REDIS_URL"])

    assert SERVICES["postgres"]["environment"] == {
        "POSTGRES_USER": database.username,
        "POSTGRES_PASSWORD": database.password,
        "POSTGRES_DB": database.path.removeprefix("/"),
    }
    assert (database.hostname, database.port) == ("postgres", 5432)
    assert (redis.hostname, redis.port) == ("redis", 6379)
    assert f"--dbname={database.path[1:]}" in SERVICES["postgres"]["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_come_true(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        one_shot = SERVICES[other]["restart"] == "no"
        if wait["condition"] == "service_completed_successfully":
            assert one_shot, f"{other} never ends"
        else:
            assert wait["condition"] == "service_healthy"
            assert _is_checked(other), f"{other} has no health check"
            assert not one_shot, f"{other} ends"


def test_services_wait_for_each_other_in_an_order() -> None:
    waits = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}
    order = list(TopologicalSorter(waits).static_order())

    assert set(order) == set(SERVICES)
    assert order.index("postgres") < order.index("migrate") < order.index("api")
    assert order.index("redis") < order.index("worker")
    assert order.index("api") < order.index("proxy")


def test_only_what_serves_http_is_checked_over_http() -> None:
    assert [name for name in OURS if _is_checked(name)] == ["api"]


def test_all_but_the_migration_are_started_again() -> None:
    restart = {name: service["restart"] for name, service in SERVICES.items()}

    assert restart.pop("migrate") == "no"
    assert set(restart.values()) == {"unless-stopped"}


def test_nothing_stands_in_the_way_of_scaling() -> None:
    assert [name for name, service in SERVICES.items() if "container_name" in service] == []
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


@pytest.mark.parametrize("name", OURS)
def test_stopping_takes_longer_than_the_steps_under_way(name: str) -> None:
    grace = re.fullmatch(r"(\d+)s", SERVICES[name]["stop_grace_period"])
    shutdown_ms = Settings.model_fields["worker_shutdown_timeout_ms"].default

    assert grace is not None
    assert int(grace[1]) * 1000 >= 2 * shutdown_ms
    assert SERVICES[name]["init"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_may_gain_rights_or_write_to_its_image(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "cap_add" not in service
    assert "privileged" not in service
    # The image of ours names its user itself; others begin as root, and here could not change.
    assert ("user" in service) == (name not in OURS)
    assert service.get("user") not in ("root", "0")


def test_what_a_service_must_write_it_may() -> None:
    places = {name: service.get("tmpfs", []) for name, service in SERVICES.items()}
    conf = (ROOT / "deploy" / "nginx.conf").read_text()

    assert all("/tmp" in places[name] for name in OURS)  # noqa: S108 - a container's own
    assert "/var/run/postgresql" in places["postgres"]
    assert "/var/cache/nginx" in places["proxy"]
    assert "\npid /tmp/nginx.pid;" in conf
    assert "error_log stderr" in conf


def test_only_the_proxy_is_reachable_and_only_from_here() -> None:
    networks = {name: service.get("networks", ["default"]) for name, service in SERVICES.items()}

    assert COMPOSE["networks"] == {"data": {"internal": True}}
    assert {name for name, of in networks.items() if "data" not in of} == {"proxy"}
    assert {name for name, of in networks.items() if "default" in of} == {"api", "proxy"}
    (published,) = (port for service in SERVICES.values() for port in service.get("ports", []))
    assert published.startswith("127.0.0.1:")


def test_the_names_it_is_published_by_are_its_own() -> None:
    environment = SERVICES["api"]["environment"]

    assert environment["ORDER_ENGINE_ALLOWED_HOSTS"].startswith("127.0.0.1,")
    assert "${ORDER_ENGINE_HOST:-127.0.0.1}," in TEXT.split("ORDER_ENGINE_ALLOWED_HOSTS:")[1]


def test_volumes_and_mounted_files_exist() -> None:
    mounts = [mount.split(":") for s in SERVICES.values() for mount in s.get("volumes", [])]
    files = [mount for mount in mounts if mount[0].startswith(".")]

    assert {mount[0] for mount in mounts if mount not in files} == set(COMPOSE["volumes"])
    assert [mount[0] for mount in files if not (ROOT / mount[0]).is_file()] == []
    assert {mount[2] for mount in files} == {"ro"}


def test_volumes_are_where_the_servers_keep_their_data() -> None:
    # Since 18 the image of Postgres refuses a volume at the old place, /var/lib/postgresql/data.
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["postgres"]["volumes"] == ["postgres-data:/var/lib/postgresql"]
    assert SERVICES["redis"]["volumes"] == ["redis-data:/data"]
    assert SERVICES["redis"]["command"] == ["redis-server", "--appendonly", "yes"]


def test_proxy_leads_from_the_published_port_to_every_api() -> None:
    proxy = SERVICES["proxy"]
    conf = (ROOT / "deploy" / "nginx.conf").read_text()
    listen = re.search(r"listen (\d+);", conf)
    upstream = re.search(r"proxy_pass http://\$api:(\d+);", conf)

    assert listen is not None
    assert upstream is not None
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert proxy["ports"] == [f"{defaults['host']}:{defaults['port']}:{listen[1]}"]
    assert proxy["healthcheck"]["test"][-1] == f"http://127.0.0.1:{listen[1]}/health/live"
    assert "set $api api;" in conf
    assert int(upstream[1]) == defaults["port"]
    assert "proxy_set_header Upgrade $http_upgrade;" in conf
