"""One embedded Postgres and Redis for the whole run; a database of its own for each test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cli.stack.embedded import embedded_servers

if TYPE_CHECKING:
    from models.hot import HotPool

_TEMPLATE = "migrated"


def _run_directory() -> Path:
    # Postgres runs as another user where the tests run as root, so the folder lets others pass.
    directory = Path(tempfile.mkdtemp(prefix="order-engine-tests-"))
    directory.chmod(0o755)
    return directory


def _start_servers() -> ExitStack:
    """Start both servers and put their addresses where our settings look for them."""
    stack = ExitStack()
    directory = _run_directory()
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    database_url, redis_url = stack.enter_context(embedded_servers(directory))
    for name in [name for name in os.environ if name.startswith("ORDER_ENGINE_")]:
        del os.environ[name]
    os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = database_url, redis_url
    return stack


# Now, not in a fixture: the modules that tests import read their settings when imported.
_SERVERS = _start_servers()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser's tests last: their session keeps its event loop, no other fits beside."""
    items.sort(key=lambda item: "browser" in item.path.parts)


def pytest_unconfigure() -> None:
    _SERVERS.close()


def _asyncpg_url(database: str) -> str:
    url = make_url(os.environ["DATABASE_URL"]).set(
        drivername="postgresql+asyncpg", database=database
    )
    return url.render_as_string(hide_password=False)


async def _administer(*statements: str) -> None:
    engine = create_async_engine(_asyncpg_url("postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


@pytest.fixture(scope="session")
def migrated_template() -> str:
    """A database at the newest migration, to copy for each test."""
    from models.migrate import upgrade

    asyncio.run(_administer(f"CREATE DATABASE {_TEMPLATE}"))
    upgrade(_asyncpg_url(_TEMPLATE))
    return _TEMPLATE


@contextmanager
def _copy_of(template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    asyncio.run(_administer(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _asyncpg_url(name)
    asyncio.run(_administer(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database_url(migrated_template: str) -> Iterator[str]:
    """The address of a migrated database that only this test uses."""
    with _copy_of(migrated_template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(migrated_template: str) -> Iterator[str]:
    """The address of a migrated database that only this module uses."""
    with _copy_of(migrated_template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool on the test's own database."""
    from models.database import open_database

    async with open_database(database_url, pool_size=16) as engine:
        yield engine


@pytest.fixture
async def hot(database_url: str) -> AsyncIterator["HotPool"]:
    """The connections of orders on the test's own database."""
    from models.hot import open_hot_pool

    async with open_hot_pool(database_url, size=16) as pool:
        yield pool
