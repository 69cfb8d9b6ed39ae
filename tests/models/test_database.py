"""Connections that a network swallowed: neither end hears of it, and both must give up."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from models import database as module
from models.database import Lock, is_outage, only_one, open_database
from tests.e2e.stack import free_port
from tests.faults.proxy import Proxy, to_unix


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(module, "_IDLE_IN_TRANSACTION_MS", 1_000)


@asynccontextmanager
async def behind_a_proxy(url: str, **options: Any) -> AsyncIterator[tuple[Proxy, AsyncEngine]]:
    """A pool whose connections go through a proxy that can swallow them."""
    sockets = make_url(os.environ["DATABASE_URL"]).query["host"]
    port = free_port()
    near = make_url(url).set(host="127.0.0.1", port=port, query={})
    async with (
        Proxy(port, to_unix(f"{sockets}/.s.PGSQL.5432")) as proxy,
        open_database(
            near.render_as_string(hide_password=False), pool_size=4, **options
        ) as database,
    ):
        yield proxy, database


async def select_one(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


async def test_one_silent_connection_is_enough_to_give_up_all_as_old(database_url: str) -> None:
    async with behind_a_proxy(database_url) as (proxy, database):
        await asyncio.gather(*(select_one(database) for _ in range(4)))
        proxy.swallow_all()
        proxy.heal()  # the four are dead, without a word

        with pytest.raises(TimeoutError) as silent:
            await select_one(database)
        await asyncio.gather(*(select_one(database) for _ in range(4)))  # tries none of the old

        assert is_outage(silent.value)


async def test_the_lock_of_a_swallowed_transaction_is_let_go_by_the_server(
    database: AsyncEngine, database_url: str
) -> None:
    async with behind_a_proxy(database_url) as (proxy, swallowed):
        inside = only_one(swallowed, Lock.WATCHING)
        assert await inside.__aenter__()
        proxy.swallow_all()
        with pytest.raises(TimeoutError):  # nobody hears of its end, and the server holds the lock
            await inside.__aexit__(None, None, None)

        await until_free(database, "pg_try_advisory_xact_lock")


async def test_the_lock_of_a_swallowed_session_is_let_go_by_the_server(
    database: AsyncEngine, database_url: str
) -> None:
    async with (
        behind_a_proxy(database_url, idle_session_ms=1_000) as (proxy, swallowed),
        swallowed.connect() as connection,
    ):
        assert await connection.scalar(text(f"SELECT pg_try_advisory_lock({Lock.WATCHING})"))
        proxy.swallow_all()

        await until_free(database, "pg_try_advisory_xact_lock")


async def test_a_pool_of_swallowed_connections_is_closed_all_the_same(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 60)
    async with asyncio.timeout(20):
        async with behind_a_proxy(database_url) as (proxy, database):
            await asyncio.gather(*(select_one(database) for _ in range(4)))
            proxy.swallow_all()


async def until_free(database: AsyncEngine, take: str) -> None:
    async with asyncio.timeout(20), database.connect() as connection:
        while not await connection.scalar(text(f"SELECT {take}({Lock.WATCHING})")):
            await asyncio.sleep(0.02)
