"""Migrations: where they are, which is the newest, and bringing a database there.

Apart from models.database, because Alembic takes longer to import than all the rest a worker needs.
"""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from engine.devnet.genesis import genesis_pools
from models.database import open_database, transaction
from models.devnet.pools import list_pools

_ROOT = Path(__file__).parent.parent


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for this checkout and this database."""
    config = Config(str(_ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(_ROOT / "alembic"))
    config.attributes["url"] = url
    return config


def migration_head() -> str:
    """Return the newest migration this code knows."""
    head = ScriptDirectory.from_config(alembic_config("")).get_current_head()
    assert head is not None
    return head


def upgrade(url: str) -> None:
    """Run the migrations that are missing, and list the devnet's pools that are."""
    command.upgrade(alembic_config(url), "head")
    asyncio.run(_list_genesis(url))


async def _list_genesis(url: str) -> None:
    async with open_database(url, pool_size=2) as database, transaction(database) as connection:
        await list_pools(connection, genesis_pools())
