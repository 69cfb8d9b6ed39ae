"""Migrations: where they are, which is the newest, and bringing a database there.

Apart from models.database, because Alembic takes longer to import than all the rest a worker needs.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

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
    """Run the migrations that are missing; nothing where there are none."""
    command.upgrade(alembic_config(url), "head")
