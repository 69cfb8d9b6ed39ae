"""The connection to Postgres, and what counts as its outage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum, unique

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from engine.venues.ledger import LedgerAway

_ANSWER_SECONDS = 10
_IDLE_IN_TRANSACTION_MS = 20_000
_GOODBYE_SECONDS = 1
_REFUSALS = frozenset({"22", "23", "42", "P0"})
"""The classes of SQLSTATE that say no: data, constraints, our SQL, and what a guard raises."""
_INSUFFICIENT_RESOURCES = "53"
"""The class of SQLSTATE of too many connections, a full disk, no memory."""


@unique
class Lock(IntEnum):
    """The numbers of Postgres's advisory locks: each is taken by one at a time in all processes."""

    LEADING = 7264101
    MIGRATING = 7264102
    CONFIRMING = 7264103
    WATCHING = 7264104
    RESENDING = 7264105
    TICKING = 7264106


class TooMuchWaits(Exception):
    """As much waits for the database as may wait: come back in a moment."""


@asynccontextmanager
async def open_database(
    url: str, *, pool_size: int, idle_session_ms: int = 0
) -> AsyncIterator[AsyncEngine]:
    """Open a pool of at most `pool_size` connections, made when first needed.

    Connections autocommit: nearly every statement here is a whole transaction by itself. Those
    that are not ask for one with `transaction`.

    A network can swallow a connection so that neither end hears of it. Here one that does not
    answer in time is given up, and with it all the pool's that are as old. There the server ends
    a session that holds locks and says nothing: in a transaction always, outside of one after
    `idle_session_ms` where that is given.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "timeout": 5,
            "command_timeout": _ANSWER_SECONDS,
            "server_settings": {
                "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MS),
                "idle_session_timeout": str(idle_session_ms),
            },
        },
    )
    event.listen(engine.sync_engine, "handle_error", _give_up_the_silent)
    try:
        yield engine
    finally:
        await _close(engine)


async def _close(engine: AsyncEngine) -> None:
    """Close the pool's connections; those whose server says nothing are dropped.

    One after the other they wait for their server to hang up, each for as long as for an answer.
    A timeout interrupts one's good-bye: that one is aborted, and the next call has the others.
    """
    deadline = asyncio.get_running_loop().time() + _GOODBYE_SECONDS
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await engine.dispose()
            return


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a real transaction: committed at the end, rolled back on any error."""
    async with engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            yield connection


@asynccontextmanager
async def only_one(engine: AsyncEngine, lock: Lock) -> AsyncIterator[bool]:
    """Yield whether nobody else, in any process, is inside with this lock at the moment."""
    async with transaction(engine) as connection:
        yield bool(await connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({lock})")))


def is_outage(error: BaseException) -> bool:
    """Say whether `error` means that Postgres is away, rather than that a statement is wrong."""
    if isinstance(error, DBAPIError) and error.orig is not None and error.orig.__cause__:
        error = error.orig.__cause__  # what the driver raised, before SQLAlchemy named it anew
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate)[:2] not in _REFUSALS
    if isinstance(error, ValueError):
        return False  # a value that the driver could not even send
    return isinstance(
        error,
        (DBAPIError, asyncpg.InterfaceError, OSError, PoolTimeout, TimeoutError, LedgerAway),
    )


def is_overload(error: BaseException) -> bool:
    """Say whether Postgres is there but has nothing left to give: connections above all."""
    if isinstance(error, LedgerAway) and error.__cause__ is not None:
        error = error.__cause__
    state = str(getattr(getattr(error, "orig", error), "sqlstate", None))
    return isinstance(error, PoolTimeout | TooMuchWaits) or state.startswith(
        _INSUFFICIENT_RESOURCES
    )


def _give_up_the_silent(context: ExceptionContext) -> None:
    """After one silence make all connections anew: each would cost as long a wait.

    SQLAlchemy by itself drops only the one that did not answer.
    """
    if isinstance(context.original_exception, TimeoutError):
        context.invalidate_pool_on_disconnect = True


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
