"""Settings: documented, typed, and refused as a whole when one is wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from wiring.settings import InvalidSettings, Settings, get_settings

DOCUMENTED = dict(
    re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", Path(".env.example").read_text(), re.MULTILINE)
)
NAMES = {
    field.validation_alias or f"ORDER_ENGINE_{name.upper()}": field
    for name, field in Settings.model_fields.items()
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Set variables and read the settings anew."""

    def environment(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return get_settings.__wrapped__()

    return environment


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert set(DOCUMENTED) == set(NAMES)


def test_the_documented_values_are_the_defaults(
    environment: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {name: value for name, value in DOCUMENTED.items() if not name.endswith("_URL")}

    assert environment(**values) == environment()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDER_ENGINE_PORT", "0"),
        ("ORDER_ENGINE_PORT", "http"),
        ("ORDER_ENGINE_SLOT_MS", "-1"),
        ("ORDER_ENGINE_MAX_ATTEMPTS", "99"),
        ("ORDER_ENGINE_LOG_FORMAT", "xml"),
        ("DATABASE_URL", "mysql://localhost/orders"),
        ("DATABASE_URL", "localhost"),
        ("REDIS_URL", "memcached://localhost"),
        ("ORDER_ENGINE_ALLOWED_HOSTS", "https://desk.example"),
        ("ORDER_ENGINE_ALLOWED_HOSTS", "desk.example:8000"),
        ("ORDER_ENGINE_ALLOWED_HOSTS", "*"),
        ("ORDER_ENGINE_ALLOWED_ORIGINS", "desk.example"),
        ("ORDER_ENGINE_ALLOWED_ORIGINS", "https://desk.example/"),
        ("ORDER_ENGINE_ALLOWED_ORIGINS", "null"),
        ("ORDER_ENGINE_ALLOWED_ORIGINS", "*"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    environment: Callable[..., Settings], name: str, value: str
) -> None:
    with pytest.raises(InvalidSettings, match=rf"cannot be used:\n  {name}: "):
        environment(**{name: value})


def test_all_wrong_values_are_named_at_once(environment: Callable[..., Settings]) -> None:
    with pytest.raises(InvalidSettings) as refused:
        environment(ORDER_ENGINE_PORT="x", ORDER_ENGINE_SLOT_MS="x")

    assert "ORDER_ENGINE_PORT" in str(refused.value)
    assert "ORDER_ENGINE_SLOT_MS" in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_any_usual_address_of_postgres_will_do(
    environment: Callable[..., Settings], scheme: str
) -> None:
    settings = environment(DATABASE_URL=f"{scheme}://me@here/orders")

    assert settings.database_url == "postgresql+asyncpg://me@here/orders"


def test_a_missing_server_is_a_clear_message(
    environment: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")

    with pytest.raises(InvalidSettings, match="DATABASE_URL is not set"):
        _ = environment().require_database_url


def test_names_are_listed_with_commas(environment: Callable[..., Settings]) -> None:
    settings = environment(
        ORDER_ENGINE_ALLOWED_HOSTS="desk.example, 10.0.0.7,[::2],::3",
        ORDER_ENGINE_ALLOWED_ORIGINS="https://desk.example,http://10.0.0.7:5173",
    )

    assert settings.allowed_hosts == ("desk.example", "10.0.0.7", "[::2]", "::3")
    assert settings.allowed_origins == ("https://desk.example", "http://10.0.0.7:5173")
