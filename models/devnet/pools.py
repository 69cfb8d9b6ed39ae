"""The devnet's pools in Postgres: what they are now, and what they were listed with."""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from engine.devnet.chain import CHAIN
from engine.pools.book import PoolBook, Pools
from engine.pools.listed import ListedPool
from models.batch import Batch
from models.database import transaction
from models.devnet.ledger_statements import SLOT_NOW
from models.devnet.pool_rows import from_row, to_item

_POOL_COLUMNS = (
    "id text, venue text, kind text, token_x text, token_y text, state jsonb, "
    "fees_x numeric, fees_y numeric, launched_token jsonb"
)

# One statement, so that slot, revision and pools belong together.
_BOOK = text(f"""
SELECT {SLOT_NOW} AS slot_now, devnet.revision AS last_revision, p.*
FROM devnet LEFT JOIN pools p ON p.revision > :seen
""").columns(state=JSONB, launched_token=JSONB)
_POOLS = text("SELECT * FROM pools").columns(state=JSONB, launched_token=JSONB)
_LIST = text(f"""
INSERT INTO pools
    (id, venue, kind, token_x, token_y, state, fees_x, fees_y, launched_token, revision)
SELECT a.*, :revision FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a({_POOL_COLUMNS})
ON CONFLICT (id) DO NOTHING RETURNING id
""")
_NEXT_REVISION = text("UPDATE devnet SET revision = revision + 1 RETURNING revision")
_WRITE = text(f"""
UPDATE pools p SET state = a.state, fees_x = a.fees_x, fees_y = a.fees_y, revision = :revision
FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a({_POOL_COLUMNS}) WHERE p.id = a.id
""")


class PoolStore:
    """The pools; each process remembers them and asks for what has changed since."""

    def __init__(self, engine: AsyncEngine, *, slot_ms: int) -> None:
        self._engine = engine
        self._slot_ms = slot_ms
        self._revision = -1
        self._pools = Pools({})
        self._read_batch: Batch[None, PoolBook] = Batch(self._read_all)

    async def book(self) -> PoolBook:
        """Return all pools as they are now; asked at the same time, read once."""
        return await self._read_batch(None)

    async def launch(self, pool: ListedPool) -> bool:
        """Add a pool; False where there is one of this id already."""
        async with transaction(self._engine) as connection:
            return bool(await list_pools(connection, [pool]))

    async def _read_all(self, asked: Sequence[None]) -> list[PoolBook]:
        parameters = {"seen": self._revision, "slot_ms": self._slot_ms}
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_BOOK, parameters)).all()
        changed = [from_row(row) for row in rows if row.id is not None]
        if changed:
            self._pools = self._pools.with_changed(changed)
        self._revision = rows[0].last_revision
        return [PoolBook(CHAIN, rows[0].slot_now, self._pools)] * len(asked)


async def read_pools(connection: AsyncConnection) -> dict[str, ListedPool]:
    """Return all pools inside a transaction."""
    return {row.id: from_row(row) for row in await connection.execute(_POOLS)}


async def list_pools(connection: AsyncConnection, pools: Iterable[ListedPool]) -> list[str]:
    """Add pools, inside a transaction, and return the ids of those that were not there before.

    Waits for the slot under way and holds up the next one, so that no slot misses them.
    """
    revision: int | None = await connection.scalar(_NEXT_REVISION)
    assert revision is not None  # the migrations put the row there
    return await insert_pools(connection, pools, revision=revision)


async def insert_pools(
    connection: AsyncConnection, pools: Iterable[ListedPool], *, revision: int
) -> list[str]:
    """Add pools inside the transaction that holds the devnet's row."""
    rows = await connection.execute(_LIST, {"items": _items(pools), "revision": revision})
    return [row.id for row in rows]


async def write_pools(
    connection: AsyncConnection, pools: Iterable[ListedPool], *, revision: int
) -> None:
    """Write pools that traded, inside the transaction that settles the trades."""
    await connection.execute(_WRITE, {"items": _items(pools), "revision": revision})


def _items(pools: Iterable[ListedPool]) -> str:
    return json.dumps([to_item(pool) for pool in pools])
