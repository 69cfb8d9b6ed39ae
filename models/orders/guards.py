"""What the database itself refuses, whoever writes to it: derived from columns and table of steps.

A row of an order is its last event; an order takes only legal steps, ends once, and stays the order
that was asked for; its events are history. The functions look once per statement, at whatever it
wrote, so that a step of two hundred orders is checked at once.

A migration puts them there, and every later one renews them (alembic/env.py).
"""

from collections.abc import Iterable, Sequence

from engine.orders.status import IN_ONE, NEXT, TERMINAL
from models.orders.codec import ORDER_COLUMNS
from models.orders.columns import Asked, Leased
from models.orders.tables import Order

_ASKED = ("id", "created_at", *Asked.model_fields)
_SAID_BY_BOTH = ("executed_price", "amount_out", "failure")
"""What an event and the row it made say in the same words."""


def guards() -> Sequence[str]:
    """Return the statements that put the guards there, or in the place of older ones."""
    return (_guard_order(), *_HISTORY, _require_events(), _require_steps(), *_TRIGGERS)


DROP_GUARDS = (
    "DROP TRIGGER require_steps ON order_events",
    "DROP TRIGGER require_events_of_steps ON orders",
    "DROP TRIGGER require_events_of_new ON orders",
    "DROP FUNCTION require_steps()",
    "DROP FUNCTION require_events()",
)
"""What takes away those that came with this module; the others are the first migration's."""


def _guard_order() -> str:
    """Return the function that holds a row to its past: legal steps, no end undone."""
    # What Postgres derives is not there yet in a new row: it is set aside as leases are.
    aside = [*Leased.model_fields, *(set(Order.model_fields) - set(ORDER_COLUMNS))]
    # Set equal first, so that one comparison of whole rows holds all others to what they were,
    # whichever columns come. It is a trigger per row: only there old and new stand side by side.
    leases = "\n".join(f"            OLD.{name} = NEW.{name};" for name in sorted(aside))
    return f"""
    CREATE OR REPLACE FUNCTION guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.status IN ({_quoted(TERMINAL)}) THEN
            RAISE EXCEPTION 'order % has ended as % and is final', OLD.id, OLD.status;
        END IF;
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'order % is not to be deleted: no accepted order is lost', OLD.id;
        END IF;
        IF NEW.sequence = OLD.sequence AND NEW.status = OLD.status THEN
{leases}
            IF NEW IS DISTINCT FROM OLD THEN
                RAISE EXCEPTION 'order % may not go on without an event: only its lease may '
                    'change hands', OLD.id;
            END IF;
            RETURN NEW;
        END IF;
        IF NOT (NEW.sequence = OLD.sequence + 1
                AND (OLD.status || '>' || NEW.status) = ANY (ARRAY[{_quoted(_steps())}])
            OR NEW.sequence = OLD.sequence + 2
                AND (OLD.status || '>' || NEW.status) = ANY (ARRAY[{_quoted(_in_one())}])) THEN
            RAISE EXCEPTION 'order % may not go from % (%) to % (%)',
                OLD.id, OLD.status, OLD.sequence, NEW.status, NEW.sequence;
        END IF;
        IF {_row("NEW", _ASKED)} IS DISTINCT FROM {_row("OLD", _ASKED)} THEN
            RAISE EXCEPTION 'order % may not become another: what was asked stays', OLD.id;
        END IF;
        RETURN NEW;
    END $$
    """


def _require_events() -> str:
    """Return the function that holds the rows just written to their last events."""
    # IS NOT TRUE rather than NOT: where there is no such event the comparison is NULL.
    event = ("status", "attempt", "occurred_at", *_SAID_BY_BOTH)
    row = ("status", "attempts", "updated_at", *_SAID_BY_BOTH)
    # Correlated looks by key rather than joins: a plan made while the tables were small stays.
    return f"""
    CREATE OR REPLACE FUNCTION require_events() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE bad record;
    BEGIN
        SELECT n.id, n.status, n.sequence INTO bad FROM written n
        WHERE TG_OP = 'INSERT' AND (n.sequence, n.status) <> (1, 'PENDING');
        IF FOUND THEN
            RAISE EXCEPTION 'order % may not begin as % (%)', bad.id, bad.status, bad.sequence;
        END IF;
        SELECT n.id, n.status, n.sequence INTO bad FROM written n
        WHERE (SELECT {_row("e", event)} IS NOT DISTINCT FROM {_row("n", row)}
            FROM order_events e
            WHERE e.order_id = n.id AND e.sequence = n.sequence) IS NOT TRUE
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'order % may not go to % (%) without that event',
                bad.id, bad.status, bad.sequence;
        END IF;
        RETURN NULL;
    END $$
    """


def _require_steps() -> str:
    """Return the function that holds the events just written to their orders and to each other."""
    # The row has to agree with the last event only: one that it is past came in the same step. IS
    # NOT TRUE again, as a missing row makes a NULL.
    event = ("sequence", "status", "attempt", "occurred_at", *_SAID_BY_BOTH)
    row = ("sequence", "status", "attempts", "updated_at", *_SAID_BY_BOTH)
    return f"""
    CREATE OR REPLACE FUNCTION require_steps() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE bad record;
    BEGIN
        SELECT n.order_id, n.sequence, n.status INTO bad FROM written n
        WHERE (SELECT o.sequence > n.sequence
                OR {_row("o", row)} IS NOT DISTINCT FROM {_row("n", event)}
            FROM orders o WHERE o.id = n.order_id) IS NOT TRUE
        OR CASE WHEN n.sequence = 1
            THEN n.previous_status IS NOT NULL OR n.status <> 'PENDING'
            ELSE (SELECT p.status = n.previous_status
                    AND (p.status || '>' || n.status) = ANY (ARRAY[{_quoted(_steps())}])
                FROM order_events p
                WHERE p.order_id = n.order_id AND p.sequence = n.sequence - 1) IS NOT TRUE END
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'order % may not have event % (%): it took no such step',
                bad.order_id, bad.sequence, bad.status;
        END IF;
        RETURN NULL;
    END $$
    """


_HISTORY = (
    """
    CREATE OR REPLACE FUNCTION guard_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is history: no % here', TG_TABLE_NAME, TG_OP;
    END $$
    """,
)

# At the end of the statement and not of the transaction: the error is of whoever wrote it, and what
# was written is at hand as one table.
_TRIGGERS = (
    """
    CREATE OR REPLACE TRIGGER require_events_of_new AFTER INSERT ON orders
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION require_events()
    """,
    """
    CREATE OR REPLACE TRIGGER require_events_of_steps AFTER UPDATE ON orders
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION require_events()
    """,
    """
    CREATE OR REPLACE TRIGGER require_steps AFTER INSERT ON order_events
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION require_steps()
    """,
)


def _steps() -> list[str]:
    return [f"{current}>{wanted}" for current in NEXT for wanted in sorted(NEXT[current])]


def _in_one() -> list[str]:
    return [f"{current}>{wanted}" for current, wanted in sorted(IN_ONE)]


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


def _row(record: str, columns: Iterable[str]) -> str:
    return f"({', '.join(f'{record}.{column}' for column in columns)})"
