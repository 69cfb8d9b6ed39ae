"""Run migrations against DATABASE_URL, or the address that the caller put in the configuration."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import models.devnet.ledger_tables
import models.devnet.pool_tables
import models.orders.tables
from models.database import Lock
from models.orders.guards import guards
from wiring.settings import get_settings

url = context.config.attributes.get("url") or get_settings().require_database_url


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=models.orders.tables.metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        # Two processes that start together must not migrate together.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({Lock.MIGRATING})")
        context.run_migrations()
        if context.get_context().get_current_heads() == context.script.get_heads():
            # The guards follow the columns as they are declared now.
            for statement in guards():
                connection.exec_driver_sql(statement)


async def run() -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


asyncio.run(run())
