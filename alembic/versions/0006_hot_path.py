"""Orders under way change no index, and guards look once per statement.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op

from models.orders.guards import DROP_GUARDS, guards

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ENDED = "status IN ('CANCELED', 'CONFIRMED', 'EXPIRED', 'FAILED')"
_WAITS = "status IN ('WAITING_POOL', 'WAITING_PRICE')"
_NOT_SENT = "status IN ('BUILDING', 'PENDING', 'ROUTING', 'WAITING_POOL', 'WAITING_PRICE')"
_BEFORE = (
    ("ix_orders_account_status_created_at_id", "account status created_at id", None),
    ("ix_orders_account_venue_created_at_id", "account venue created_at id", None),
    ("ix_orders_lease", "lease_until", "status IN ('BUILDING', 'PENDING', 'ROUTING')"),
    ("ix_orders_submitted", "updated_at id", "status = 'SUBMITTED'"),
    (
        "ix_orders_waiting_price",
        "token_in token_out limit_price created_at id",
        "status = 'WAITING_PRICE'",
    ),
    ("ix_orders_waiting_pool", "token_in token_out created_at id", "status = 'WAITING_POOL'"),
    ("ix_orders_expiry", "expires_at", _NOT_SENT),
)
_NOW = (
    ("ix_orders_account_ended", "account ended_as created_at id", "ended_as IS NOT NULL"),
    ("ix_orders_account_ended_on", "account ended_on created_at id", "ended_on IS NOT NULL"),
    ("ix_orders_live", "account created_at id", "ended_as IS NULL"),
    ("ix_orders_under_way", "created_at id", "ended_as IS NULL AND waits IS NULL"),
    (
        "ix_orders_waiting_price",
        "token_in token_out limit_price created_at id",
        "waits = 'WAITING_PRICE'",
    ),
    ("ix_orders_waiting_pool", "token_in token_out created_at id", "waits = 'WAITING_POOL'"),
    ("ix_orders_expiry", "expires_at", "ended_as IS NULL AND expires_at IS NOT NULL"),
)


def upgrade() -> None:
    op.execute("DROP TRIGGER require_step ON order_events")
    for name in ("require_event_of_step", "require_event_of_new"):
        op.execute(f"DROP TRIGGER {name} ON orders")
    for name in ("require_step", "require_event"):
        op.execute(f"DROP FUNCTION {name}()")
    # What an event belongs to is the guards' to see, once per statement rather than per row.
    op.drop_constraint("fk_order_events_order_id_orders", "order_events", type_="foreignkey")
    for name, _, _ in _BEFORE:
        op.drop_index(name, table_name="orders")
    for name, value in (
        ("ended_as", f"CASE WHEN {_ENDED} THEN status END"),
        ("ended_on", f"CASE WHEN {_ENDED} THEN venue END"),
        ("waits", f"CASE WHEN {_WAITS} THEN status END"),
    ):
        op.add_column("orders", sa.Column(name, sa.Text(), sa.Computed(value, persisted=True)))
    for name, columns, only in _NOW:
        op.create_index(name, "orders", columns.split(), postgresql_where=only)
    # Room beside each row for the versions that its steps leave.
    op.execute("ALTER TABLE orders SET (fillfactor = 45)")
    for statement in guards():
        op.execute(statement)


def downgrade() -> None:
    for statement in DROP_GUARDS:
        op.execute(statement)
    op.execute("ALTER TABLE orders RESET (fillfactor)")
    for name, _, _ in _NOW:
        op.drop_index(name, table_name="orders")
    for name in ("waits", "ended_on", "ended_as"):
        op.drop_column("orders", name)
    for name, columns, only in _BEFORE:
        op.create_index(name, "orders", columns.split(), postgresql_where=only)
    op.create_foreign_key(
        "fk_order_events_order_id_orders", "order_events", "orders", ["order_id"], ["id"]
    )
    for statement in context.script.get_revision("0004").module._GUARDS:
        op.execute(statement)
