"""Every setting, typed, with a default that works on one machine; .env.example lists them all."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from engine.devnet.chain import Rules
from engine.swaps.simulation import VenueFaults

Milliseconds = Annotated[int, Field(ge=1, le=86_400_000)]
MillisecondsOrZero = Annotated[int, Field(ge=0, le=86_400_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


def _split(text: object) -> object:
    """Return the items of a list with commas; anything else is left to pydantic."""
    return list(filter(None, text.replace(" ", "").split(","))) if isinstance(text, str) else text


def _host(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+|\[?[0-9a-f.]*:[0-9a-f.]*:[0-9a-f.:]*\]?", name, re.IGNORECASE):
        raise ValueError(f"{name} is no name or address of a host, such as desk.example")
    return name


def _origin(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@*]+", text, re.IGNORECASE):
        raise ValueError(f"{text} is no origin of a page, such as https://desk.example")
    return text


WithCommas = (NoDecode, BeforeValidator(_split))
HostName = Annotated[str, AfterValidator(_host)]
PageOrigin = Annotated[str, AfterValidator(_origin)]


class InvalidSettings(Exception):
    """The environment holds a setting that cannot be used; the message names each one."""


class Settings(BaseSettings):
    """Read from the environment (and a .env file), refused as a whole when one value is wrong."""

    model_config = SettingsConfigDict(
        env_prefix="ORDER_ENGINE_", env_file=".env", frozen=True, extra="ignore"
    )

    # Servers. Without these two, `up` starts embedded ones under data_dir.
    database_url: str | None = Field(None, validation_alias="DATABASE_URL")
    redis_url: str | None = Field(None, validation_alias="REDIS_URL")
    data_dir: Path = Path(".data")
    database_pool_size: Annotated[int, Field(ge=5, le=200)] = 12
    order_connections: Annotated[int, Field(ge=2, le=100)] = 6

    # The API's edge.
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    allowed_hosts: Annotated[tuple[HostName, ...], *WithCommas] = ()
    allowed_origins: Annotated[tuple[PageOrigin, ...], *WithCommas] = ()
    max_body_bytes: Annotated[int, Field(ge=1_024, le=16_777_216)] = 65_536
    max_query_depth: Annotated[int, Field(ge=1, le=100)] = 12
    max_query_tokens: Annotated[int, Field(ge=100, le=100_000)] = 2_000
    max_query_cost: Annotated[int, Field(ge=100, le=10_000_000)] = 5_000
    max_streams_per_connection: Count = 1_000
    max_connections: Count = 20_000
    max_quote_streams: Count = 1_000
    request_timeout_ms: Milliseconds = 30_000
    stream_send_timeout_ms: Milliseconds = 5_000
    stream_init_timeout_ms: Milliseconds = 5_000
    stream_poll_interval_ms: Milliseconds = 1_000
    best_price_interval_ms: Milliseconds = 2_000
    max_orders_in_progress: Count = 50_000

    # The worker. Threads are the messages worked on at once by one process.
    worker_threads: Annotated[int, Field(ge=1, le=1_000)] = 64
    worker_poll_interval_ms: Milliseconds = 500
    worker_shutdown_timeout_ms: Milliseconds = 5_000

    # The life of an order.
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    retry_min_backoff_ms: Milliseconds = 500
    retry_max_backoff_ms: Milliseconds = 8_000
    quote_timeout_ms: Milliseconds = 1_000
    step_lease_ms: Milliseconds = 5_000
    sweep_interval_ms: Milliseconds = 1_000
    waiting_order_life_ms: Annotated[int, Field(ge=1, le=31_536_000_000)] = 300_000

    # The devnet.
    slot_ms: Annotated[int, Field(ge=10, le=60_000)] = 400
    quote_latency_ms: MillisecondsOrZero = 200
    landing_slots_max: Annotated[int, Field(ge=1, le=150)] = 3
    confirmation_slots: Annotated[int, Field(ge=0, le=150)] = 5
    validity_slots: Annotated[int, Field(ge=1, le=100_000)] = 150

    leg_cost_lamports: Annotated[int, Field(ge=0, le=10**9)] = 5_000
    quote_validity_slots: Annotated[int, Field(ge=1, le=100_000)] = 25
    devnet_seed: str = "devnet"
    market_moves: bool = True
    launch_every_slots: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    max_pools: Annotated[int, Field(ge=35, le=1_000_000)] = 10_000
    venue_faults: dict[str, VenueFaults] = {}

    # Venues, by the names of their entry points; all that are installed when empty.
    venues: list[str] = []

    # Logs.
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, url: str | None) -> str | None:
        if url is None:
            return None
        scheme, separator, rest = url.partition("://")
        if not separator or scheme not in {"postgresql", "postgres", "postgresql+asyncpg"}:
            raise ValueError("must begin with postgresql://")
        return f"postgresql+asyncpg://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _redis_only(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url

    @property
    def rules(self) -> Rules:
        """What makes a run of the devnet repeat."""
        return Rules(
            self.devnet_seed, self.market_moves, self.launch_every_slots, self.venue_faults
        )

    @property
    def require_database_url(self) -> str:
        """The database's address, or InvalidSettings where none is set."""
        return _required("DATABASE_URL", self.database_url)

    @property
    def require_redis_url(self) -> str:
        """Redis's address, or InvalidSettings where none is set."""
        return _required("REDIS_URL", self.redis_url)


@cache
def get_settings() -> Settings:
    """Return the process's settings. Raises InvalidSettings naming every wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"  {_variable(e['loc'][0])}: {e['msg']}" for e in error.errors()]
        raise InvalidSettings("\n".join(["These settings cannot be used:", *wrong])) from None


def _variable(name: str | int) -> str:
    text = str(name)
    return text if text.isupper() else f"ORDER_ENGINE_{text.upper()}"


def _required(variable: str, value: str | None) -> str:
    if value is None:
        raise InvalidSettings(
            f"{variable} is not set. Set it, or run `order-engine up`, which brings its own."
        )
    return value
