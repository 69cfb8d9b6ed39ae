"""The devnet's pools, candles and market, and transactions over several pools.

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_UNBOUNDED = sa.Numeric(40, 0)


def upgrade() -> None:
    op.create_table(
        "pools",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token_x", sa.Text(), nullable=False),
        sa.Column("token_y", sa.Text(), nullable=False),
        sa.Column("state", postgresql.JSONB(), nullable=False),
        sa.Column("fees_x", _UNBOUNDED, nullable=False),
        sa.Column("fees_y", _UNBOUNDED, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('CONSTANT_PRODUCT', 'DLMM')", name=op.f("ck_pools_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pools")),
    )
    op.create_index(op.f("ix_pools_revision"), "pools", ["revision"])
    op.create_table(
        "candles",
        sa.Column("token_x", sa.Text(), nullable=False),
        sa.Column("token_y", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Numeric(), nullable=False) for name in ("open", "high", "low")),
        sa.Column("close", sa.Numeric(), nullable=False),
        sa.Column("volume_x", _UNBOUNDED, nullable=False),
        sa.Column("volume_y", _UNBOUNDED, nullable=False),
        sa.PrimaryKeyConstraint("token_x", "token_y", "opened_at", name=op.f("pk_candles")),
    )
    op.create_table(
        "market_balances",
        sa.Column("mint", sa.Text(), nullable=False),
        sa.Column("atoms", _UNBOUNDED, nullable=False),
        sa.PrimaryKeyConstraint("mint", name=op.f("pk_market_balances")),
    )
    op.add_column(
        "devnet", sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "orders",
        sa.Column("allow_split", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.add_column("orders", sa.Column("simulation", postgresql.JSONB(), nullable=True))
    _upgrade_ledger()


def _upgrade_ledger() -> None:
    # What was sent to the pools of before can never be executed by those of now: proved dead, so
    # that its orders are routed anew.
    op.execute(
        "UPDATE ledger_transactions SET outcome = 'EXPIRED', code = 'TRANSACTION_EXPIRED' "
        "WHERE outcome IS NULL"
    )
    for name in ("token_in", "token_out"):
        op.add_column("ledger_transactions", sa.Column(name, sa.Text(), nullable=True))
        op.execute(
            f"UPDATE ledger_transactions "
            f"SET {name} = convert_from(payload, 'UTF8')::jsonb ->> '{name}'"
        )
        op.alter_column("ledger_transactions", name, nullable=False)
    op.add_column(
        "ledger_transactions",
        sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False),
    )
    op.add_column("ledger_transactions", sa.Column("route", postgresql.JSONB(), nullable=True))
    op.drop_index("ix_ledger_transactions_due", table_name="ledger_transactions")
    op.create_index(
        "ix_ledger_transactions_due",
        "ledger_transactions",
        ["land_slot", "position"],
        postgresql_where="outcome IS NULL",
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_transactions_due", table_name="ledger_transactions")
    op.create_index(
        "ix_ledger_transactions_due",
        "ledger_transactions",
        ["land_slot"],
        postgresql_where="outcome IS NULL",
    )
    for name in ("token_in", "token_out", "position", "route"):
        op.drop_column("ledger_transactions", name)
    op.drop_column("orders", "allow_split")
    op.drop_column("orders", "simulation")
    op.drop_column("devnet", "revision")
    for table in ("pools", "candles", "market_balances"):
        op.drop_table(table)
