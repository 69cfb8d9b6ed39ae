"""The application on a database of its own, asked in process or over real sockets."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from tests.api.asking import Asking, asking, in_process
from tests.api.live_server import LiveServer
from wiring.settings import Settings, get_settings


def settings_on(database_url: str) -> Settings:
    """The defaults, with streams that look at the database often enough for a test."""
    return get_settings().model_copy(
        update={
            "database_url": database_url,
            "stream_poll_interval_ms": 50,
            "market_moves": False,
        }
    )


@pytest.fixture
def settings(database_url: str) -> Settings:
    """The settings of an application on the test's own database."""
    return settings_on(database_url)


@pytest.fixture
async def ask(settings: Settings) -> AsyncIterator[Asking]:
    """An application on the test's own database, asked in process."""
    async with asking(settings) as ask:
        yield ask


@pytest.fixture(scope="module")
def module_settings(module_database_url: str) -> Settings:
    """The settings of an application on the module's own database."""
    return settings_on(module_database_url)


@pytest.fixture(scope="module")
def live_server(module_settings: Settings) -> Iterator[LiveServer]:
    """A uvicorn that the tests of a module share."""
    with LiveServer(module_settings) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(module_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that the tests of a module share. Needs the module's loop."""
    app = create_app(module_settings)
    async with app.router.lifespan_context(app), in_process(app) as asked:
        yield asked
