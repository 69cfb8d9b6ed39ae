"""A devnet whose slots pass when a test says so."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import SlotRun, SlotRunner
from models.hot import HotPool
from tests.models.devnet.chain import SLOT_MS, PassSlots


@pytest.fixture
def ledger(database: AsyncEngine, hot: HotPool) -> PostgresLedger:
    return PostgresLedger(
        hot,
        PoolStore(database, hot, slot_ms=SLOT_MS),
        seed="test",
        slot_ms=SLOT_MS,
        landing_slots_max=1,
        confirmation_slots=5,
    )


@pytest.fixture
async def frozen(database: AsyncEngine) -> None:
    """Hold the clock: no slot passes but those that `pass_slots` lets pass."""
    async with database.connect() as connection:
        await connection.execute(
            text("UPDATE devnet SET slot_began_at = now() + interval '1 hour'")
        )


@pytest.fixture
def pass_slots(database: AsyncEngine, frozen: None) -> PassSlots:
    async def pass_slots(runner: SlotRunner, count: int) -> SlotRun:
        async with database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = now() - :ms * interval '1 ms'"),
                {"ms": count * SLOT_MS + SLOT_MS // 2},
            )
        run = await runner.run()
        assert run is not None
        async with database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = now() + interval '1 hour'")
            )
        return run

    return pass_slots
