"""Migrations: they make what the models say, can be undone, and guard the table of steps."""

import re

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.status import IN_ONE, NEXT
from models.database import migrated_to
from models.migrate import alembic_config, migration_head
from models.orders.guards import guards


def test_models_and_migrations_agree(database_url: str) -> None:
    command.check(alembic_config(database_url))  # raises where they differ


def test_every_migration_can_be_undone_and_done_again(database_url: str) -> None:
    config = alembic_config(database_url)

    command.downgrade(config, "base")
    command.upgrade(config, "head")

    command.check(config)


async def test_undoing_leaves_nothing_behind(database: AsyncEngine, database_url: str) -> None:
    import asyncio

    await asyncio.to_thread(command.downgrade, alembic_config(database_url), "base")

    async with database.connect() as connection:
        left = await connection.scalars(
            text(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                "WHERE nspname = 'public' AND relname NOT LIKE 'alembic_version%' UNION ALL "
                "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace "
                "WHERE nspname = 'public'"
            )
        )
        assert left.all() == []


async def test_the_database_says_which_migration_it_is_at(database: AsyncEngine) -> None:
    assert await migrated_to(database) == migration_head()


async def test_the_database_guards_exactly_the_legal_steps(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        source = await connection.scalar(
            text("SELECT prosrc FROM pg_proc WHERE proname = 'guard_order'")
        )

    guarded = set(re.findall(r"'([A-Z_]+)>([A-Z_]+)'", source))
    assert guarded == {(now, then) for now in NEXT for then in NEXT[now]} | IN_ONE
    assert "NEW.sequence = OLD.sequence + 2" in source  # for those that are two in one


FUNCTION = r"FUNCTION (\w+)\(\) RETURNS trigger.*?\$\$(.*)\$\$"


async def test_the_guards_are_those_of_the_columns_as_declared(database: AsyncEngine) -> None:
    """A column that is added later is guarded without a word about it in its migration."""
    async with database.connect() as connection:
        named = "SELECT prosrc FROM pg_proc WHERE proname = :name"
        for statement in guards():
            if found := re.search(
                r"FUNCTION (\w+)\(\) RETURNS trigger.*?\$\$(.*)\$\$", statement, re.S
            ):
                source = await connection.scalar(text(named), {"name": found.group(1)})
                assert source == found.group(2)


@pytest.mark.parametrize("table", ["orders", "order_events"])
async def test_history_cannot_be_truncated(database: AsyncEngine, table: str) -> None:
    async with database.connect() as connection:
        with pytest.raises(Exception, match="is history"):
            await connection.execute(text(f"TRUNCATE {table} CASCADE"))
