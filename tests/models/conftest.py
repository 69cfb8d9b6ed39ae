"""The store on the test's own database."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.orders.store import OrderStore


@pytest.fixture
def store(database: AsyncEngine) -> OrderStore:
    return OrderStore(database)
