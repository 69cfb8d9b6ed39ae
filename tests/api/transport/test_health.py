"""Health: alive is not ready, and the part that is not well is named."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from alembic import command

from api.app import create_app
from models.migrate import alembic_config, migration_head
from tests.api.asking import in_process
from wiring.settings import Settings

NOBODY_THERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def asked(settings: Settings) -> Callable[..., Awaitable[Any]]:
    """Ask an application with these settings for a path until it answers as expected."""

    async def asked(path: str, expected: int, **changes: Any) -> Any:
        app = create_app(settings.model_copy(update=changes))
        async with app.router.lifespan_context(app), in_process(app) as client:
            async with asyncio.timeout(20):
                while (answer := await client.get(path)).status_code != expected:
                    await asyncio.sleep(0.02)
        return answer.json()

    return asked


async def test_a_process_with_all_it_needs_is_ready(asked: Callable[..., Awaitable[Any]]) -> None:
    assert await asked("/health/ready", 200) == {
        "status": "ok",
        "postgres": "ok",
        "redis": "ok",
        "updates": "ok",
    }


async def test_without_redis_it_is_alive_but_not_ready(
    asked: Callable[..., Awaitable[Any]],
) -> None:
    assert await asked("/health/live", 200, redis_url=NOBODY_THERE) == {"status": "ok"}

    assert await asked("/health/ready", 503, redis_url=NOBODY_THERE) == {
        "status": "unwell",
        "postgres": "ok",
        "redis": "unreachable (ConnectionError)",
        "updates": "not subscribed",
    }


async def test_without_postgres_it_says_so_and_gives_nothing_away(
    asked: Callable[..., Awaitable[Any]],
) -> None:
    body = await asked(
        "/health/ready", 503, database_url="postgresql+asyncpg://secret@127.0.0.1:1/orders"
    )

    assert body["postgres"] == "unreachable (ConnectionRefusedError)"
    assert "secret" not in str(body)


async def test_an_old_schema_is_named_with_its_cure(
    asked: Callable[..., Awaitable[Any]], database_url: str
) -> None:
    await asyncio.to_thread(command.downgrade, alembic_config(database_url), "base")

    body = await asked("/health/ready", 503)

    assert body["postgres"] == f"migration none, needs {migration_head()}: order-engine migrate"
