"""Direct SQL can neither take an illegal step, nor change an end, nor rewrite history."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.status import NEXT, TERMINAL, OrderStatus
from models.orders.store import OrderStore
from tests.factories import accepted, advanced
from tests.models.orders.invariants import gapless

S = OrderStatus


def legal_path(status: OrderStatus) -> list[OrderStatus]:
    """The shortest legal way from PENDING to a status."""
    paths: dict[OrderStatus, list[OrderStatus]] = {S.PENDING: []}
    while status not in paths:
        for at, path in list(paths.items()):
            for following in NEXT[at]:
                paths.setdefault(following, [*path, following])
    return paths[status]


@pytest.mark.parametrize("current", list(S))
async def test_direct_sql_cannot_take_an_illegal_step(
    store: OrderStore, database: AsyncEngine, current: OrderStatus
) -> None:
    order = await advanced(store, await accepted(store), *legal_path(current))

    for wanted in set(S) - NEXT[current]:
        async with database.connect() as connection:
            with pytest.raises(DBAPIError, match=r"may not go|is final"):
                await connection.execute(
                    text("UPDATE orders SET status = :s, sequence = sequence + 1 WHERE id = :id"),
                    {"s": wanted, "id": order.id},
                )
    assert await gapless(database)


@pytest.mark.parametrize("status", sorted(TERMINAL))
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET amount_out = 1 WHERE id = :id",
        "UPDATE orders SET lease_until = now() WHERE id = :id",
        "UPDATE orders SET status = 'PENDING' WHERE id = :id",
        "DELETE FROM orders WHERE id = :id",
    ],
)
async def test_direct_sql_cannot_change_an_ended_order(
    store: OrderStore, database: AsyncEngine, status: OrderStatus, statement: str
) -> None:
    order = await advanced(store, await accepted(store), *legal_path(status))

    async with database.connect() as connection:
        with pytest.raises(DBAPIError, match="is final"):
            await connection.execute(text(statement), {"id": order.id})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_events SET attempt = 9",
        "DELETE FROM order_events",
        "DELETE FROM orders",
        "UPDATE orders SET sequence = sequence + 2, status = 'ROUTING'",
        "UPDATE orders SET sequence = sequence + 1",
    ],
)
async def test_direct_sql_cannot_rewrite_history(
    store: OrderStore, database: AsyncEngine, statement: str
) -> None:
    await accepted(store)

    async with database.connect() as connection:
        with pytest.raises(DBAPIError, match=r"history|deleted|may not go|is final"):
            await connection.execute(text(statement))
    assert await gapless(database)
