"""Orders on the database of the server that a module shares."""

from collections.abc import AsyncIterator

import pytest

from models.database import open_database
from models.hot import open_hot_pool
from models.orders.store import OrderStore
from wiring.settings import Settings


@pytest.fixture
async def store(module_settings: Settings) -> AsyncIterator[OrderStore]:
    url = module_settings.require_database_url
    async with open_database(url, pool_size=2) as database, open_hot_pool(url, size=2) as hot:
        yield OrderStore(database, hot)
