"""G3 and G4 against direct SQL: the row of an order is its last event, whoever writes it."""

from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.status import OrderStatus
from models.database import is_outage, transaction
from models.orders.store import OrderStore
from models.orders.tables import Order
from tests.factories import accepted, advanced

S = OrderStatus
LEASES = {"lease_holder", "lease_until", "leases_lost"}
TABLE: Table = vars(Order)["__table__"]
COLUMNS = sorted(column.name for column in TABLE.columns if not column.computed)

# Another value of a column's type, whatever it holds.
OTHER = {
    "TEXT": "coalesce({0}, '') || 'x'",
    "INTEGER": "coalesce({0}, 0) + 1",
    "NUMERIC": "coalesce({0}, 0) + 1",
    "NUMERIC(20, 0)": "coalesce({0}, 0) + 1",
    "BOOLEAN": "NOT {0}",
    "BYTEA": "'\\x01'",
    "JSONB": """'[{{"other": 1}}]'""",
    "UUID": "gen_random_uuid()",
    "TIMESTAMP WITH TIME ZONE": "coalesce({0}, now()) + interval '1 s'",
    "TEXT[]": "{0} || 'x'::text",
}
STEP = """
WITH moved AS (
    UPDATE orders SET status = 'ROUTING', sequence = 2, attempts = 1, updated_at = now() {more}
    WHERE id = :id RETURNING *
)
INSERT INTO order_events (order_id, sequence, status, previous_status, attempt, occurred_at)
SELECT id, sequence, {status}, {previous}, attempts, {at} FROM moved
"""
AS_STORED = {"more": "", "status": "status", "previous": "'PENDING'", "at": "updated_at"}


def other(column: str) -> str:
    from sqlalchemy.dialects import postgresql

    kind = str(TABLE.columns[column].type.compile(postgresql.dialect()))
    return OTHER[kind].format(column)


async def execute(database: AsyncEngine, statement: str, **given: Any) -> None:
    async with database.connect() as connection:
        await connection.execute(text(statement), given)


async def stored(database: AsyncEngine) -> list[tuple[Any, ...]]:
    async with database.connect() as connection:
        orders = (await connection.execute(text("SELECT * FROM orders"))).all()
        events = (await connection.execute(text("SELECT * FROM order_events"))).all()
        return [tuple(row) for row in (*orders, *events)]


@pytest.mark.parametrize("column", sorted(set(COLUMNS) - LEASES - {"status", "sequence"}))
async def test_nothing_but_a_lease_changes_without_an_event(
    store: OrderStore, database: AsyncEngine, column: str
) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING)
    before = await stored(database)

    with pytest.raises(DBAPIError, match="only its lease"):
        await execute(database, f"UPDATE orders SET {column} = {other(column)}")

    assert await stored(database) == before
    assert (await store.get(order.id)).status is S.ROUTING


@pytest.mark.parametrize("column", sorted(LEASES))
async def test_a_lease_changes_hands_freely(
    store: OrderStore, database: AsyncEngine, column: str
) -> None:
    await advanced(store, await accepted(store), S.ROUTING)

    await execute(database, f"UPDATE orders SET {column} = {other(column)}")


@pytest.mark.parametrize(
    "column",
    ["account", "client_order_id", "token_out", "amount_in", "slippage_bps", "limit_price",
     "expires_at", "venues", "created_at", "type"],
)  # fmt: skip
async def test_a_step_does_not_change_what_was_asked(
    store: OrderStore, database: AsyncEngine, column: str
) -> None:
    order = await accepted(store)
    value = "'LIMIT'" if column == "type" else other(column)
    statement = STEP.format(**AS_STORED | {"more": f", {column} = {value}"})

    with pytest.raises(DBAPIError, match="may not become another"):
        await execute(database, statement, id=order.id)


async def test_a_step_by_hand_with_its_event_is_a_step(
    store: OrderStore, database: AsyncEngine
) -> None:
    order = await accepted(store)

    await execute(database, STEP.format(**AS_STORED), id=order.id)

    assert (await store.get(order.id)).status is S.ROUTING


@pytest.mark.parametrize(
    "otherwise",
    [
        {"status": "'FAILED'"},
        {"previous": "'BUILDING'"},
        {"previous": "NULL"},
        {"at": "updated_at + interval '1 s'"},
        {"more": ", amount_out = 1"},
        {"more": ", executed_price = 1"},
        {"more": """, failure = '{"code": "INTERNAL"}'"""},
    ],
    ids=str,
)
async def test_a_step_and_its_event_say_the_same(
    store: OrderStore, database: AsyncEngine, otherwise: dict[str, Any]
) -> None:
    order = await accepted(store)
    before = await stored(database)

    with pytest.raises(DBAPIError, match="may not") as refused:
        await execute(database, STEP.format(**AS_STORED | otherwise), id=order.id)

    assert await stored(database) == before
    assert not is_outage(refused.value)  # to wait and try again would be for ever


async def test_a_step_without_its_event_is_refused_at_the_commit(
    store: OrderStore, database: AsyncEngine
) -> None:
    order = await accepted(store)
    before = await stored(database)

    with pytest.raises(DBAPIError, match="without that event"):
        async with transaction(database) as connection:
            await connection.execute(
                text("UPDATE orders SET status = 'ROUTING', sequence = 2 WHERE id = :id"),
                {"id": order.id},
            )

    assert await stored(database) == before


@pytest.mark.parametrize("sequence", [2, 3])
async def test_an_event_without_its_step_is_refused(
    store: OrderStore, database: AsyncEngine, sequence: int
) -> None:
    order = await accepted(store)

    with pytest.raises(DBAPIError, match="took no such step"):
        await execute(
            database,
            "INSERT INTO order_events (order_id, sequence, status, attempt, occurred_at) "
            "VALUES (:id, :sequence, 'ROUTING', 1, now())",
            id=order.id,
            sequence=sequence,
        )


@pytest.mark.parametrize(
    ("status", "sequence", "reason"),
    [("PENDING", 1, "without that event"), ("ROUTING", 2, "begin"), ("CONFIRMED", 1, "begin")],
)
async def test_an_order_begins_pending_with_its_event(
    database: AsyncEngine, status: str, sequence: int, reason: str
) -> None:
    with pytest.raises(DBAPIError, match=reason):
        await execute(
            database,
            "INSERT INTO orders (id, account, client_order_id, request_digest, request_id, type, "
            "status, token_in, token_out, amount_in, slippage_bps, sequence, attempts, "
            "lease_until) VALUES (gen_random_uuid(), 'a', 'b', '', '', 'MARKET', :status, "
            "'x', 'y', 1, 50, :sequence, 0, now())",
            status=status,
            sequence=sequence,
        )
    assert await stored(database) == []
