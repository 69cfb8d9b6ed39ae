"""The statements that write orders' lives: a row and its events together, for one order or many.

Each takes arrays, one element an order, and is made for the columns that its orders have: made
once, and prepared once a connection. Both are derived from the columns that models.orders.columns
declares.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from engine.orders.status import IN_ONE, TERMINAL, OrderStatus
from models.orders.codec import ORDER_COLUMNS, array_type, sql_type
from models.orders.columns import Learned, OnlyTold, OnStep, Told, Untold
from models.orders.step import NewOrder, Step

S = OrderStatus

_AFRESH = frozenset({S.ROUTING, S.WAITING_PRICE, S.WAITING_POOL})
"""Where an attempt, or the wait for one, begins anew: nothing of the last one is left."""

_WITH_BEFORE = {
    OnStep.AFRESH: "coalesce(s.{0}, o.{0})",
    OnStep.KEPT: "coalesce(s.{0}, o.{0})",
    OnStep.RAISED: "greatest(o.{0}, s.{0})",
}
"""What a column becomes by what the step says and what the order knew before."""

_TOLD = (*Told.model_fields, *OnlyTold.model_fields)
FOUND_OUT = tuple(dict.fromkeys((*_TOLD, *Untold.model_fields, *Learned.model_fields)))
"""The columns that a step may bring a value for."""

ASKED = tuple(name for name in NewOrder.model_fields if name != "life_ms")
_OF_BUILDING = frozenset({"quotes", "route", "quoted_price", "venue", "tx_signature"})
_OF_SUBMITTED = frozenset({"venue", "tx_signature"})


OF_CLIENT = f"""
SELECT {", ".join(ORDER_COLUMNS)} FROM orders WHERE account = $1 AND client_order_id = $2
"""


@dataclass(frozen=True, slots=True)
class Move:
    """What steps have in common that one statement can make."""

    previous: OrderStatus
    status: OrderStatus
    found_out: tuple[str, ...]

    @classmethod
    def of(cls, step: Step) -> "Move":
        known = step.__dict__
        # What none of them found out is no part of the statement: of all the kinds that there could
        # be, a life needs about ten, and each connection prepares them once.
        found_out = tuple(name for name in FOUND_OUT if known[name] is not None)
        return cls(step.previous, step.status, found_out)

    @property
    def is_two_in_one(self) -> bool:
        """Whether it goes by way of BUILDING: see Step."""
        return (self.previous, self.status) in IN_ONE


@cache
def accepting(given: tuple[str, ...]) -> str:
    """Return the statement that accepts orders of which these columns are `given`.

    $1 is for how long the sweep leaves them alone, in ms, $2 their lives where they wait, in ms;
    then the columns.
    """
    arrays = ", ".join(f"${n}::{array_type(name)}" for n, name in enumerate(given, 3))
    kept = ", ".join(name for name in given if name != "expires_at")
    values = ", ".join(_as_stored(name) for name in given if name != "expires_at")
    # Who waits expires, said or not: a life is counted from here, by Postgres's clock.
    expires_at = "a.expires_at" if "expires_at" in given else "NULL::timestamptz"
    return f"""
WITH a AS (SELECT * FROM unnest($2::bigint[], {arrays}) AS a(life_ms, {", ".join(given)})
), accepted AS (
    INSERT INTO orders ({kept}, expires_at, status, sequence, attempts, lease_until)
    SELECT {values}, coalesce({expires_at}, now() + a.life_ms * interval '1 ms'),
        '{S.PENDING}', 1, 0, now() + $1::int * interval '1 ms'
    -- In one order everywhere: two groups with client order ids in common must not deadlock.
    FROM a ORDER BY a.account, a.client_order_id
    -- The account's own id, or ours: where the answer to a commit was lost, the same rows again.
    ON CONFLICT DO NOTHING
    RETURNING id, status, sequence, attempts, expires_at, lease_until, leases_lost, created_at,
        updated_at
), first_event AS (
    INSERT INTO order_events (order_id, sequence, status, attempt, occurred_at)
    SELECT id, sequence, status, attempts, created_at FROM accepted
)
SELECT accepted.*, {_as_told(_values_of_first())} AS told FROM accepted
"""


@cache
def moving(move: Move) -> str:
    """Return the statement that makes these steps.

    $1 … $5 are the orders' ids, in ascending order, the sequences they must stand at, attempts,
    lease holders, and leases in ms; then what the steps found out.
    """
    own = ("uuid[]", "int[]", "int[]", "text[]", "int[]")
    types = (*own, *(array_type(name) for name in move.found_out))
    arrays = ", ".join(f"${n}::{type_}" for n, type_ in enumerate(types, 1))
    names = ", ".join(("id, sequence, attempt, lease_holder, lease_ms", *move.found_out))
    told = [name for name in _TOLD if name in move.found_out]
    # The event says what this step found out, not what the row knows by now: a venue that was kept
    # from an earlier step is no news.
    returned = "".join(f", s.{name} AS told_{name}" for name in told)
    events = [_event_values(move, told, *event) for event in _events(move)]
    columns = ", ".join(events[0])
    inserted = "\n    UNION ALL ".join(
        f"SELECT {', '.join(values.values())} FROM moved" for values in events
    )
    said = ", ".join(f"{_as_told(values)} AS told_{n}" for n, values in enumerate(events, 1))
    return f"""
WITH s AS (
    SELECT * FROM unnest({arrays}) WITH ORDINALITY AS s({names}, n)
), moved AS (
    -- Row by row in the order of the array, which is that of the ids everywhere: two groups with
    -- orders in common must not wait for each other.
    UPDATE orders o SET {", ".join(_assignments(move))}
    -- The fence: whoever moved the order since it was read has left another sequence.
    FROM s WHERE o.id = s.id AND o.sequence = s.sequence AND o.status = '{move.previous}'
        {_in_time(move)}
    RETURNING s.n, o.*{returned}
), told AS (
    -- Of the rows that moved, and in the same statement: neither is ever seen without the other.
    INSERT INTO order_events ({columns})
    {inserted}
)
SELECT n, {", ".join(ORDER_COLUMNS)}, {said} FROM moved
"""


def _assignments(move: Move) -> Iterable[str]:
    yield f"status = '{move.status}', sequence = o.sequence + {2 if move.is_two_in_one else 1}"
    # Whoever held the step has done it: nobody has been lost over the next one yet.
    yield "attempts = s.attempt, lease_holder = s.lease_holder, leases_lost = 0"
    yield "lease_until = now() + s.lease_ms * interval '1 ms', updated_at = now()"
    if move.status in TERMINAL:
        yield "completed_at = now()"
    # What becomes of a column is decided here, once for a kind of step, rather than by a CASE that
    # Postgres works out for every row and column.
    for name in FOUND_OUT:
        rule = ORDER_COLUMNS[name].info["on_step"] if name in ORDER_COLUMNS else None
        if rule is None:
            continue  # for the event alone
        begins = rule is OnStep.OF_THIS_STEP or (rule is OnStep.AFRESH and move.status in _AFRESH)
        if name in move.found_out:
            value = "s.{0}" if begins else _WITH_BEFORE[rule]
            yield f"{name} = {value.format(name)}"
        elif begins:
            # Nothing was found out, and what an earlier step did must not stay.
            yield f"{name} = NULL"


def _in_time(move: Move) -> str:
    """Past its time an order goes nowhere but out, unless its transaction is on its way."""
    # Asked by the statement that moves it: between a look at the time and the step an order could
    # pass its end, and workers' clocks differ.
    if move.previous is S.SUBMITTED or move.status in TERMINAL:
        return ""
    return "AND (o.expires_at IS NULL OR o.expires_at > now())"


def _events(move: Move) -> Sequence[tuple[OrderStatus, OrderStatus, int, frozenset[str] | None]]:
    """Return status, status before, how far from the row's sequence, and what each event tells."""
    if not move.is_two_in_one:
        return [(move.status, move.previous, 0, None)]
    return [
        (S.BUILDING, move.previous, 1, _OF_BUILDING),
        (S.SUBMITTED, S.BUILDING, 0, _OF_SUBMITTED),
    ]


def _event_values(
    move: Move,
    told: Sequence[str],
    status: OrderStatus,
    previous: OrderStatus,
    before: int,
    of_it: frozenset[str] | None,
) -> dict[str, str]:
    """Return an event's columns and their values: those stored are those told."""
    values = {
        "order_id": "id",
        "sequence": f"sequence - {before}" if before else "sequence",
        "status": f"'{status}'::text",
        "previous_status": f"'{previous}'::text",
        "attempt": "attempts",
        # The row's own time: what the guards compare, and what a page shows beside the event.
        "occurred_at": "updated_at",
    }
    for name in told:
        is_told = of_it is None or name in of_it
        values[name] = f"told_{name}" if is_told else f"NULL::{sql_type(name)}"
    return values


def _values_of_first() -> dict[str, str]:
    return {
        "order_id": "id",
        "sequence": "sequence",
        "status": "status",
        "attempt": "attempts",
        "occurred_at": "created_at",
    }


def _as_told(values: dict[str, str]) -> str:
    """Return the expression of an event's JSON, as engine.orders.event reads it."""
    pairs = (
        # A number in JSON is a float to most of its readers: exact ones go as text.
        f"'{name}', {value}::text" if "NUMERIC" in _type_of(name) else f"'{name}', {value}"
        for name, value in values.items()
    )
    return f"json_strip_nulls(json_build_object({', '.join(pairs)}))::text"


def _type_of(name: str) -> str:
    return sql_type("id" if name == "order_id" else name)


def _as_stored(name: str) -> str:
    return f"a.{name}::{sql_type(name)}" if sql_type(name).endswith("[]") else f"a.{name}"
