"""Orders, their events, the devnet's ledger, and what the database itself guards.

Revision ID: 0001
Revises:
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The table of engine/order_status.py as it was at this revision. A later change of that table
# brings a migration; a test compares the two.
_NEXT = {
    "PENDING": "ROUTING WAITING_PRICE WAITING_POOL CANCELED EXPIRED FAILED",
    "WAITING_PRICE": "ROUTING CANCELED EXPIRED FAILED",
    "WAITING_POOL": "ROUTING CANCELED EXPIRED FAILED",
    "ROUTING": "ROUTING BUILDING WAITING_PRICE CANCELED EXPIRED FAILED",
    "BUILDING": "SUBMITTED ROUTING CANCELED EXPIRED FAILED",
    "SUBMITTED": "CONFIRMED ROUTING FAILED",
}
_STEPS = ", ".join(
    f"'{current}>{wanted}'" for current, following in _NEXT.items() for wanted in following.split()
)

_GUARDS = (
    f"""
    CREATE FUNCTION guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.status IN ('CONFIRMED', 'FAILED', 'CANCELED', 'EXPIRED') THEN
            RAISE EXCEPTION 'order % has ended as % and is final', OLD.id, OLD.status;
        END IF;
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'order % is not to be deleted: no accepted order is lost', OLD.id;
        END IF;
        IF NEW.sequence = OLD.sequence AND NEW.status = OLD.status THEN
            RETURN NEW;  -- only a lease changes hands
        END IF;
        IF NEW.sequence <> OLD.sequence + 1
            OR NOT (OLD.status || '>' || NEW.status) = ANY (ARRAY[{_STEPS}]) THEN
            RAISE EXCEPTION 'order % may not go from % (%) to % (%)',
                OLD.id, OLD.status, OLD.sequence, NEW.status, NEW.sequence;
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER guard_order BEFORE UPDATE OR DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION guard_order()
    """,
    """
    CREATE FUNCTION guard_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is history: no % here', TG_TABLE_NAME, TG_OP;
    END $$
    """,
    """
    CREATE TRIGGER guard_history BEFORE UPDATE OR DELETE ON order_events
    FOR EACH ROW EXECUTE FUNCTION guard_history()
    """,
    """
    CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON order_events
    FOR EACH STATEMENT EXECUTE FUNCTION guard_history()
    """,
    """
    CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON orders
    FOR EACH STATEMENT EXECUTE FUNCTION guard_history()
    """,
)


def upgrade() -> None:
    op.create_table(
        "devnet",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column(
            "slot_began_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_devnet_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devnet")),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("amount_in", sa.Numeric(20, 0), nullable=False),
        sa.Column("land_slot", sa.Integer(), nullable=False),
        sa.Column(
            "submitted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("amount_out", sa.Numeric(20, 0), nullable=True),
        sa.Column("fee", sa.Numeric(20, 0), nullable=True),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(outcome = 'LANDED') = (amount_out IS NOT NULL)",
            name=op.f("ck_ledger_transactions_landed_amount"),
        ),
        sa.CheckConstraint(
            "outcome IN ('DROPPED', 'EXPIRED', 'LANDED', 'REVERTED')",
            name=op.f("ck_ledger_transactions_outcome"),
        ),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_ledger_transactions")),
    )
    op.create_index(
        "ix_ledger_transactions_due",
        "ledger_transactions",
        ["land_slot"],
        unique=False,
        postgresql_where="outcome IS NULL",
    )
    op.create_index(
        op.f("ix_ledger_transactions_memo"), "ledger_transactions", ["memo"], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("token_in", sa.Text(), nullable=False),
        sa.Column("token_out", sa.Text(), nullable=False),
        sa.Column("amount_in", sa.Numeric(20, 0), nullable=False),
        sa.Column("slippage_bps", sa.Integer(), nullable=False),
        sa.Column("min_amount_out", sa.Numeric(20, 0), nullable=True),
        sa.Column("max_price_impact_bps", sa.Integer(), nullable=True),
        sa.Column("venues", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("limit_price", sa.Numeric(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=True),
        sa.Column("route", postgresql.JSONB(), nullable=True),
        sa.Column("quoted_price", sa.Numeric(), nullable=True),
        sa.Column("tx_signature", sa.Text(), nullable=True),
        sa.Column("signed_transaction", sa.LargeBinary(), nullable=True),
        sa.Column("last_valid_slot", sa.Integer(), nullable=True),
        sa.Column("executed_price", sa.Numeric(), nullable=True),
        sa.Column("amount_out", sa.Numeric(20, 0), nullable=True),
        sa.Column("fee", sa.Numeric(20, 0), nullable=True),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("failure", postgresql.JSONB(), nullable=True),
        sa.Column("lease_holder", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leases_lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('BUILDING', 'CANCELED', 'CONFIRMED', 'EXPIRED', 'FAILED', 'PENDING', 'ROUTING', 'SUBMITTED', 'WAITING_POOL', 'WAITING_PRICE')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint("type IN ('LIMIT', 'MARKET', 'SNIPER')", name=op.f("ck_orders_type")),
        sa.CheckConstraint(
            "amount_in BETWEEN 1 AND 18446744073709551615", name=op.f("ck_orders_amount_in")
        ),
        sa.CheckConstraint("sequence >= 1 AND attempts >= 0", name=op.f("ck_orders_counters")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "account", "client_order_id", name=op.f("uq_orders_account_client_order_id")
        ),
    )
    op.create_index(
        op.f("ix_orders_account_created_at_id"),
        "orders",
        ["account", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_orders_account_status_created_at_id"),
        "orders",
        ["account", "status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_orders_account_token_in_created_at_id"),
        "orders",
        ["account", "token_in", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_orders_account_token_out_created_at_id"),
        "orders",
        ["account", "token_out", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_orders_account_type_created_at_id"),
        "orders",
        ["account", "type", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_orders_account_venue_created_at_id"),
        "orders",
        ["account", "venue", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_orders_lease",
        "orders",
        ["lease_until"],
        unique=False,
        postgresql_where="status IN ('BUILDING', 'PENDING', 'ROUTING')",
    )
    op.create_index(
        "ix_orders_submitted",
        "orders",
        ["updated_at", "id"],
        unique=False,
        postgresql_where="status = 'SUBMITTED'",
    )
    op.create_table(
        "order_events",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("previous_status", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quotes", postgresql.JSONB(), nullable=True),
        sa.Column("route", postgresql.JSONB(), nullable=True),
        sa.Column("venue", sa.Text(), nullable=True),
        sa.Column("quoted_price", sa.Numeric(), nullable=True),
        sa.Column("best_price", sa.Numeric(), nullable=True),
        sa.Column("tx_signature", sa.Text(), nullable=True),
        sa.Column("executed_price", sa.Numeric(), nullable=True),
        sa.Column("amount_out", sa.Numeric(20, 0), nullable=True),
        sa.Column("failure", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "status IN ('BUILDING', 'CANCELED', 'CONFIRMED', 'EXPIRED', 'FAILED', 'PENDING', 'ROUTING', 'SUBMITTED', 'WAITING_POOL', 'WAITING_PRICE')",
            name=op.f("ck_order_events_status"),
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_order_events_sequence")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("order_id", "sequence", name=op.f("pk_order_events")),
    )
    op.execute("INSERT INTO devnet (id, slot) VALUES (1, 0)")
    for statement in _GUARDS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("order_events")
    op.drop_table("orders")
    op.drop_table("ledger_transactions")
    op.drop_table("devnet")
    for name in ("guard_order", "guard_history"):
        op.execute(f"DROP FUNCTION {name}()")
