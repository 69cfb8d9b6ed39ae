"""History pages: index scans over a million orders, right while rows are inserted."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.orders.status import TERMINAL, OrderStatus, OrderType
from engine.tokens import BONK, SOL, USDC
from models.database import open_database
from models.orders.history import page_of_orders
from models.orders.step import OrderFilter, Position
from models.orders.store import OrderStore
from models.orders.tables import Order
from tests.factories import accepted, advanced, unguarded

S = OrderStatus
ROWS = 1_000_000

# Nine of ten are confirmed; some values are rare, as in a real history.
FILL = f"""
INSERT INTO orders (id, account, client_order_id, request_digest, request_id, type, status,
    token_in, token_out, amount_in, slippage_bps, sequence, attempts, venue, lease_until,
    created_at)
SELECT gen_random_uuid(), 'local', n::text, '', '',
    CASE WHEN n % 5000 = 0 THEN 'SNIPER' ELSE 'MARKET' END,
    CASE WHEN n % 10000 = 0 THEN 'PENDING' WHEN n % 10 = 0 THEN 'FAILED' ELSE 'CONFIRMED' END,
    CASE WHEN n % 1000 = 0 THEN '{BONK.mint}' ELSE '{SOL.mint}' END, '{USDC.mint}',
    1, 50, 5, 1, CASE WHEN n % 2 = 0 THEN 'raydium' ELSE 'meteora' END, now(),
    now() - n * interval '1 second'
FROM generate_series(1, {ROWS}) n
"""

INDEXES = """
SELECT indexname AS name, indexdef AS definition FROM pg_indexes
WHERE tablename = 'orders' AND indexname LIKE 'ix_%'
"""

FILTERS = {
    "none": OrderFilter(),
    "one status": OrderFilter(statuses=(S.CONFIRMED,)),
    "a rare status": OrderFilter(statuses=(S.PENDING,)),
    "two statuses": OrderFilter(statuses=(S.FAILED, S.CONFIRMED)),
    "ended": OrderFilter(statuses=tuple(sorted(TERMINAL))),
    "not ended": OrderFilter(statuses=tuple(sorted(set(S) - TERMINAL))),
    "a rare type": OrderFilter(types=(OrderType.SNIPER,)),
    "a rare token": OrderFilter(token_in=BONK.mint),
    "a pair": OrderFilter(token_in=SOL.mint, token_out=USDC.mint),
    "a venue": OrderFilter(venue="raydium"),
    "a venue's failures": OrderFilter(venue="raydium", statuses=(S.FAILED,)),
}


@pytest.fixture(scope="module")
def million_orders(module_database_url: str) -> str:
    async def fill() -> None:
        engine = create_async_engine(module_database_url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            # Indexes are made once the rows are there: several times faster.
            indexes = (await connection.execute(text(INDEXES))).all()
            statements = [f"DROP INDEX {index.name}" for index in indexes]
            statements += ["SET maintenance_work_mem = '512MB'"]
            statements += ["SET session_replication_role = replica", FILL]
            statements += [index.definition for index in indexes]
            for statement in [*statements, "VACUUM ANALYZE orders"]:
                await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(fill())
    return module_database_url


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS.keys())
@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("deep", [False, True])
async def test_a_page_out_of_a_million_is_an_index_scan(
    million_orders: str, wanted: Any, oldest_first: bool, deep: bool
) -> None:
    async with open_database(million_orders, pool_size=2) as engine, engine.connect() as connection:
        middle = text("SELECT created_at, id FROM orders WHERE client_order_id = '500000'")
        place = Position(*(await connection.execute(middle)).one()) if deep else None
        older, newer = (None, place) if oldest_first else (place, None)
        query = page_of_orders("local", wanted, 21, older, newer, oldest_first)
        compiled = query.compile(
            dialect=postgresql.asyncpg.dialect(), compile_kwargs={"literal_binds": True}
        )
        plan = (await connection.scalars(text(f"EXPLAIN (ANALYZE) {compiled}"))).all()

    shown = "\n".join(plan)
    assert "Index" in shown, shown
    assert "Seq Scan" not in shown, shown


async def pages(
    store: OrderStore,
    wanted: Any,
    size: int,
    *,
    oldest_first: bool = False,
    between: Callable[[], Awaitable[object]] | None = None,
) -> list[Order]:
    """Walk the whole list page by page."""
    seen: list[Order] = []
    place: Position | None = None
    while True:
        older = None if oldest_first else place
        newer = place if oldest_first else None
        page = await store.page(
            "local",
            wanted,
            most=size,
            older_than=older,
            newer_than=newer,
            oldest_first=oldest_first,
        )
        if not page:
            return seen
        seen += page
        place = Position(page[-1].created_at, page[-1].id)
        if between is not None:
            await between()


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("size", [1, 3, 7, 100])
async def test_pages_walked_end_to_end_are_the_list(
    store: OrderStore, size: int, oldest_first: bool
) -> None:
    orders = [await accepted(store) for _ in range(10)]
    expected = [order.id for order in orders]

    walked = await pages(store, OrderFilter(), size, oldest_first=oldest_first)

    assert [o.id for o in walked] == (expected if oldest_first else expected[::-1])


async def test_orders_placed_while_paging_neither_shift_nor_repeat_a_page(
    store: OrderStore,
) -> None:
    orders = [await accepted(store) for _ in range(10)]

    async def place_another() -> None:
        await accepted(store)

    walked = await pages(store, OrderFilter(), 3, between=place_another)

    assert [o.id for o in walked] == [o.id for o in orders][::-1]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_orders_of_the_same_instant_are_each_seen_once(
    store: OrderStore, database: AsyncEngine, data: DataObject
) -> None:
    size = data.draw(st.integers(1, 5))
    count = data.draw(st.integers(0, 12))
    account = uuid4().hex
    async with unguarded(database) as connection:
        await connection.execute(
            text(
                FILL.replace("'local'", f"'{account}'")
                .replace(f"1, {ROWS}", f"1, {count}")
                .replace("now() - n *", "timestamptz '2026-01-01' + (n % 3) *")
            )
        )
    seen: list[UUID] = []
    place = None
    while page := await store.page(account, OrderFilter(), most=size, older_than=place):
        seen += [order.id for order in page]
        place = Position(page[-1].created_at, page[-1].id)

    assert len(seen) == len(set(seen)) == count


async def test_filters_hold_together(store: OrderStore) -> None:
    wanted = await advanced(store, await accepted(store, token_in=BONK.mint), S.ROUTING, S.FAILED)
    await advanced(store, await accepted(store), S.ROUTING, S.FAILED)
    await accepted(store, token_in=BONK.mint)
    await accepted(store, token_in=BONK.mint, account="other")

    found = await store.page(
        "local", OrderFilter(token_in=BONK.mint, statuses=(S.FAILED,)), most=10
    )

    assert [o.id for o in found] == [wanted.id]


async def test_bounds_in_time_leave_the_bound_itself_out(store: OrderStore) -> None:
    first, second, third = [await accepted(store) for _ in range(3)]
    wanted = OrderFilter(created_after=first.created_at, created_before=third.created_at)

    found = await store.page("local", wanted, most=10)

    assert [o.id for o in found] == [second.id]


async def test_an_empty_choice_of_statuses_finds_nothing(store: OrderStore) -> None:
    await accepted(store)

    assert await store.page("local", OrderFilter(statuses=()), most=10) == []
    assert (
        await store.page(
            "local",
            OrderFilter(created_after=(await accepted(store)).created_at + timedelta(days=1)),
            most=10,
        )
        == []
    )
