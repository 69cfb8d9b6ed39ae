"""A devnet whose slots pass when a test says so."""

import pytest
from sqlalchemy import text

from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import SlotRunner
from tests.models.devnet.chain import SLOT_MS


@pytest.fixture
def ledger(database, hot) -> PostgresLedger:
    return PostgresLedger(
        hot,
        PoolStore(database, hot, slot_ms=SLOT_MS),
        seed="test",
        slot_ms=SLOT_MS,
        landing_slots_max=1,
        confirmation_slots=5,
    )


@pytest.fixture
async def frozen(database) -> None:
    """Hold the clock: no slot passes but those that `pass_slots` lets pass."""
    async with database.connect() as connection:
        await connection.execute(
            text("UPDATE devnet SET slot_began_at = now() + interval '1 hour'")
        )


@pytest.fixture
def pass_slots(database, frozen):
    async def pass_slots(runner: SlotRunner, count: int):
        async with database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = now() - :ms * interval '1 ms'"),
                {"ms": count * SLOT_MS + SLOT_MS // 2},
            )
        run = await runner.run()
        async with database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = now() + interval '1 hour'")
            )
        return run

    return pass_slots
