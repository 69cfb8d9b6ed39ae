"""Bring a database to the newest migration."""

from alembic import command

from models.database import alembic_config


def upgrade(url: str) -> None:
    """Run the migrations that are missing; nothing where there are none."""
    command.upgrade(alembic_config(url), "head")
