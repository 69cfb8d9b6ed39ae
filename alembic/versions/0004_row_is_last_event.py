"""The row of an order is its last event: the database holds everybody to it.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The table of engine/order_status.py as it was at this revision: see 0001.
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
_ASKED = (
    *("id", "account", "client_order_id", "request_digest", "request_id", "created_at"),
    *("type", "token_in", "token_out", "amount_in", "slippage_bps", "max_price_impact_bps"),
    *("venues", "allow_split", "simulation", "limit_price", "max_price", "min_liquidity"),
    "expires_at",
)


def _row(record: str) -> str:
    return f"({', '.join(f'{record}.{column}' for column in _ASKED)})"


_ONLY_LEASES = """
            OLD.lease_holder = NEW.lease_holder;
            OLD.lease_until = NEW.lease_until;
            OLD.leases_lost = NEW.leases_lost;
            IF NEW IS DISTINCT FROM OLD THEN
                RAISE EXCEPTION 'order % may not go on without an event: only its lease may '
                    'change hands', OLD.id;
            END IF;
"""
_SAME_ORDER = f"""
        IF {_row("NEW")} IS DISTINCT FROM {_row("OLD")} THEN
            RAISE EXCEPTION 'order % may not become another: what was asked stays', OLD.id;
        END IF;
"""


def _guard_order(only_leases: str, same_order: str) -> str:
    """Return the function of 0001, with more to guard."""
    return f"""
    CREATE OR REPLACE FUNCTION guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.status IN ('CONFIRMED', 'FAILED', 'CANCELED', 'EXPIRED') THEN
            RAISE EXCEPTION 'order % has ended as % and is final', OLD.id, OLD.status;
        END IF;
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'order % is not to be deleted: no accepted order is lost', OLD.id;
        END IF;
        IF NEW.sequence = OLD.sequence AND NEW.status = OLD.status THEN
            {only_leases}
            RETURN NEW;  -- only a lease changes hands
        END IF;
        IF NEW.sequence <> OLD.sequence + 1
            OR NOT (OLD.status || '>' || NEW.status) = ANY (ARRAY[{_STEPS}]) THEN
            RAISE EXCEPTION 'order % may not go from % (%) to % (%)',
                OLD.id, OLD.status, OLD.sequence, NEW.status, NEW.sequence;
        END IF;
        {same_order}
        RETURN NEW;
    END $$
    """


_GUARDS = (
    _guard_order(_ONLY_LEASES, _SAME_ORDER),
    # Checked at the commit, so that a row and its event may be written in either order.
    """
    CREATE FUNCTION require_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' AND (NEW.sequence, NEW.status) <> (1, 'PENDING') THEN
            RAISE EXCEPTION 'order % may not begin as % (%)', NEW.id, NEW.status, NEW.sequence;
        END IF;
        IF NOT EXISTS (SELECT FROM order_events WHERE order_id = NEW.id
            AND (sequence, status, attempt, occurred_at, executed_price, amount_out, failure)
                IS NOT DISTINCT FROM (NEW.sequence, NEW.status, NEW.attempts, NEW.updated_at,
                NEW.executed_price, NEW.amount_out, NEW.failure)) THEN
            RAISE EXCEPTION 'order % may not go to % (%) without that event',
                NEW.id, NEW.status, NEW.sequence;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER require_event_of_new AFTER INSERT ON orders
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_event()
    """,
    """
    CREATE CONSTRAINT TRIGGER require_event_of_step AFTER UPDATE ON orders
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.sequence <> OLD.sequence)
    EXECUTE FUNCTION require_event()
    """,
    """
    CREATE FUNCTION require_step() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM orders WHERE id = NEW.order_id AND (sequence > NEW.sequence
            OR (sequence, status, attempts, updated_at, executed_price, amount_out, failure)
                IS NOT DISTINCT FROM (NEW.sequence, NEW.status, NEW.attempt, NEW.occurred_at,
                NEW.executed_price, NEW.amount_out, NEW.failure)))
            OR NEW.previous_status IS DISTINCT FROM (SELECT status FROM order_events
                WHERE order_id = NEW.order_id AND sequence = NEW.sequence - 1) THEN
            RAISE EXCEPTION 'order % may not have event % (%): it took no such step',
                NEW.order_id, NEW.sequence, NEW.status;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER require_step AFTER INSERT ON order_events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_step()
    """,
)


def upgrade() -> None:
    for statement in _GUARDS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER require_step ON order_events")
    for name in ("require_event_of_step", "require_event_of_new"):
        op.execute(f"DROP TRIGGER {name} ON orders")
    for name in ("require_step", "require_event"):
        op.execute(f"DROP FUNCTION {name}()")
    op.execute(_guard_order("", ""))
