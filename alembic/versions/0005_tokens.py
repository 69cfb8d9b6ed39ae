"""Whose a mint and a symbol are, for the database to decide.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("mint", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("decimals BETWEEN 0 AND 12", name=op.f("ck_tokens_decimals")),
        sa.PrimaryKeyConstraint("mint", name=op.f("pk_tokens")),
        sa.UniqueConstraint("symbol", name=op.f("uq_tokens_symbol")),
    )
    # Those launched before; of two that share a name the earlier one has it.
    op.execute("""
        INSERT INTO tokens (mint, symbol, decimals, name)
        SELECT launched_token ->> 'mint', launched_token ->> 'symbol',
            (launched_token ->> 'decimals')::int, launched_token ->> 'name'
        FROM pools WHERE launched_token IS NOT NULL ORDER BY revision
        ON CONFLICT DO NOTHING
    """)


def downgrade() -> None:
    op.drop_table("tokens")
