"""The connection to Postgres, and what counts as its outage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine


@asynccontextmanager
async def open_database(url: str, *, pool_size: int) -> AsyncIterator[AsyncEngine]:
    """Open a pool of at most `pool_size` connections, made when first needed.

    Connections autocommit: nearly every statement here is a whole transaction by itself. Those
    that are not ask for one with `transaction`.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": 5, "command_timeout": 30},
    )
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a real transaction: committed at the end, rolled back on any error."""
    async with engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            yield connection


@asynccontextmanager
async def only_one(engine: AsyncEngine, lock: int) -> AsyncIterator[bool]:
    """Yield whether nobody else, in any process, is inside with this number at the moment."""
    async with transaction(engine) as connection:
        yield bool(await connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({lock})")))


def is_outage(error: BaseException) -> bool:
    """Say whether `error` means that Postgres is away, rather than that a statement is wrong."""
    if isinstance(error, DBAPIError):
        return not isinstance(error, IntegrityError | ProgrammingError | DataError)
    return isinstance(error, OSError | PoolTimeout | TimeoutError)


async def migrated_to(engine: AsyncEngine) -> str | None:
    """Return the migration the database is at, None for an empty one."""
    async with engine.connect() as connection:
        known = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
        if known is None:
            return None
        version: str | None = await connection.scalar(
            text("SELECT version_num FROM alembic_version")
        )
        return version
