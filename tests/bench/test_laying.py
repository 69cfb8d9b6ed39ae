"""A laid history is a true one: what is measured on it holds for orders that were lived."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.laying import lay
from bench.lives import Life
from engine.errors import ErrorCode, Failure
from engine.orders.status import OrderStatus as S
from models.hot import HotPool
from models.orders.store import OrderStore
from tests.factories import accepted, advanced, move, step

_SCHEMA = text("""
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint
""")
_UNLIKE_THEIR_LAST_EVENT = text("""
SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT FROM order_events e
    WHERE e.order_id = o.id AND (e.sequence, e.status, e.attempt, e.occurred_at)
        = (o.sequence, o.status, o.attempts, o.updated_at)
    AND o.sequence = (SELECT count(*) FROM order_events WHERE order_id = o.id))
""")
_LIVED = text("SELECT * FROM orders ORDER BY client_order_id")
_ORDERS = text("""
SELECT client_order_id, status, created_at, expires_at, tx_signature, failure
FROM orders WHERE client_order_id LIKE 'laid-%' ORDER BY created_at
""")


@pytest.fixture
async def lived(database: AsyncEngine, hot: HotPool) -> None:
    """One order that ended, with what COPY and formatting could trip over, and one that rests."""
    store = OrderStore(database, hot)
    ended = await accepted(store, client_order_id="life-0")
    built = await advanced(store, ended, S.ROUTING)
    moved = await move(store, step(built, S.BUILDING, tx_signature="5" * 88))
    failure = Failure(code=ErrorCode.INTERNAL, message="100% gone:\ta tab, a \\ and %(id)s \u2028")
    await move(store, step(moved.order, S.FAILED, failure=failure))
    resting = await accepted(store, client_order_id="life-1", life_ms=86_400_000)
    await advanced(store, resting, S.WAITING_PRICE)


async def test_laid_orders_are_as_their_events_say_and_the_schema_is_as_before(
    database: AsyncEngine, database_url: str, lived: None
) -> None:
    async with database.connect() as connection:
        before = sorted((await connection.execute(_SCHEMA)).scalars())
        was = (
            await connection.execute(text("SELECT * FROM orders ORDER BY client_order_id"))
        ).all()

    lives = [Life(900, "executeMarketOrder", {}), Life(100, "placeLimitOrder", {}, rests=True)]
    first, last = await lay(database_url, 200, lives)

    async with database.connect() as connection:
        assert sorted((await connection.execute(_SCHEMA)).scalars()) == before
        assert await connection.scalar(_UNLIKE_THEIR_LAST_EVENT) == 0
        laid = (await connection.execute(_ORDERS)).all()
    assert [row.client_order_id for row in laid] == [f"laid-{n}" for n in range(200)]
    assert [row.created_at for row in laid] == [
        first + n * timedelta(seconds=1) for n in range(200)
    ]
    assert laid[-1].created_at < last == was[0].created_at
    ended = [row for row in laid if row.status == S.FAILED]
    resting = [row for row in laid if row.status == S.WAITING_PRICE]
    assert len(ended) + len(resting) == 200
    assert len({row.tx_signature for row in ended}) == len(ended) > 100
    assert all(len(row.tx_signature) == 88 for row in ended)
    assert {row.failure["message"] for row in ended} == {was[0].failure["message"]}
    assert {row.expires_at for row in resting} == {was[1].expires_at}
