"""The connections of the statements that every order runs: asyncpg's own, and nobody else's.

Apart from those of the history and the pages, so that whoever reads much cannot keep an order
from being accepted or moved on.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeout

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 10
_GOODBYE_SECONDS = 1

_SETTINGS = {
    # A plan made while a table was small stays for as long as its connection: these statements
    # look orders up by index, however few there are, and however many there will be.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "idle_in_transaction_session_timeout": "20000",
}


class HotConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that is given back without a round trip: nothing here leaves anything behind."""

    def get_reset_query(self) -> str:
        return ""


class HotPool:
    """Runs statements, each a transaction by itself.

    Raises asyncpg's errors; `models.database.is_outage` tells which mean that Postgres is away.
    Raises SQLAlchemy's TimeoutError where all connections stay busy for too long.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """Return the rows of one statement."""
        connection = await self._acquire()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        except TimeoutError:
            # A network can swallow connections so that neither end hears of it: after one
            # silence all are made anew, for each would cost as long a wait.
            connection.terminate()
            await self._pool.expire_connections()
            raise
        finally:
            await self._pool.release(connection)

    async def _acquire(self) -> Any:
        try:
            return await self._pool.acquire(timeout=_ANSWER_SECONDS)
        except TimeoutError:
            if self._pool.get_idle_size() or self._pool.get_size() < self._pool.get_max_size():
                raise  # it is Postgres that does not answer
            raise PoolTimeout("Every connection for orders is busy.") from None


@asynccontextmanager
async def open_hot_pool(url: str, *, size: int) -> AsyncIterator[HotPool]:
    """Open at most `size` connections, made when first needed; Postgres need not be there yet."""
    pool = asyncpg.create_pool(
        url.replace("postgresql+asyncpg://", "postgresql://", 1),
        min_size=0,
        max_size=size,
        timeout=_CONNECT_SECONDS,
        command_timeout=_ANSWER_SECONDS,
        max_inactive_connection_lifetime=0,
        connection_class=HotConnection,
        server_settings=_SETTINGS,
    )
    await pool
    try:
        yield HotPool(pool)
    finally:
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()  # a server that says nothing is not waited for
