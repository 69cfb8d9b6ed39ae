"""Orders that wait for a price or a pool, and tokens launched while the devnet runs.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NOT_SENT = "status IN ('BUILDING', 'PENDING', 'ROUTING', 'WAITING_POOL', 'WAITING_PRICE')"
_INDEXES = (
    ("waiting_price", "token_in token_out limit_price created_at id", "status = 'WAITING_PRICE'"),
    ("waiting_pool", "token_in token_out created_at id", "status = 'WAITING_POOL'"),
    ("expiry", "expires_at", _NOT_SENT),
)


def upgrade() -> None:
    op.add_column("orders", sa.Column("max_price", sa.Numeric(), nullable=True))
    op.add_column("orders", sa.Column("min_liquidity", sa.Numeric(20, 0), nullable=True))
    op.add_column("orders", sa.Column("launched_tokens", postgresql.JSONB(), nullable=True))
    op.add_column("pools", sa.Column("launched_token", postgresql.JSONB(), nullable=True))
    for name, columns, only in _INDEXES:
        op.create_index(f"ix_orders_{name}", "orders", columns.split(), postgresql_where=only)
    op.create_index(
        op.f("ix_order_events_occurred_at"),
        "order_events",
        ["occurred_at"],
        postgresql_using="brin",
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_order_events_occurred_at"), table_name="order_events")
    for name, _, _ in _INDEXES:
        op.drop_index(f"ix_orders_{name}", table_name="orders")
    for name in ("max_price", "min_liquidity", "launched_tokens"):
        op.drop_column("orders", name)
    op.drop_column("pools", "launched_token")
