"""The connections of orders, all of them busy."""

import asyncio

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models import hot as module
from models.database import is_outage, is_overload
from models.hot import open_hot_pool


async def test_a_pool_whose_connections_are_all_busy_is_overloaded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_hot_pool(database_url, size=1) as hot:
        await hot.fetch("SELECT pg_advisory_lock(1)")
        async with open_hot_pool(database_url, size=1) as waiting:
            busy = asyncio.create_task(waiting.fetch("SELECT pg_advisory_lock(1)"))
            while not waiting._pool.get_size():
                await asyncio.sleep(0.01)
            monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.05)

            with pytest.raises(PoolTimeout) as refused:
                await waiting.fetch("SELECT 1")
            await hot.fetch("SELECT pg_advisory_unlock(1)")
            await busy

            assert is_overload(refused.value)  # what clients are told
            assert is_outage(refused.value)  # so that workers try again, and groups fail as one
            assert [row[0] for row in await waiting.fetch("SELECT 1")] == [1]
