"""The store on the test's own database."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.hot import HotPool
from models.orders.store import OrderStore


@pytest.fixture
def store(database: AsyncEngine, hot: HotPool) -> OrderStore:
    return OrderStore(database, hot)
