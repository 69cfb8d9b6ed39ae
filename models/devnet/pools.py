"""The devnet's pools in Postgres: what they are now, and what they were listed with."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from engine.devnet.chain import CHAIN
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook, Pools
from engine.pools.listed import ListedPool
from engine.tokens import Token, TokenList, is_launched
from models.batch import Batch
from models.database import transaction
from models.devnet.ledger_statements import slot_now
from models.devnet.pool_rows import from_row, to_item, tokens_of
from models.hot import HotPool

_POOL_COLUMNS = (
    "id text, venue text, kind text, token_x text, token_y text, state jsonb, "
    "fees_x numeric, fees_y numeric, launched_token jsonb"
)

_POOL = (
    "p.id, p.venue, p.kind, p.token_x, p.token_y, p.state::text AS state, p.fees_x, p.fees_y, "
    "p.launched_token::text AS launched_token"
)

# One statement, so that slot, revision and pools belong together.
_BOOK = f"""
SELECT {slot_now("$2::int")} AS slot_now, devnet.revision AS last_revision,
    {_POOL}
FROM devnet LEFT JOIN pools p ON p.revision > $1
"""
_POOLS = text(f"SELECT {_POOL} FROM pools p")
_LIST = text(f"""
INSERT INTO pools
    (id, venue, kind, token_x, token_y, state, fees_x, fees_y, launched_token, revision)
SELECT a.*, :revision FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a({_POOL_COLUMNS})
ON CONFLICT (id) DO NOTHING RETURNING id
""")
_NAME = text("""
INSERT INTO tokens (mint, symbol, decimals, name)
SELECT mint, symbol, decimals, name FROM jsonb_to_recordset(CAST(:items AS jsonb))
    AS t(mint text, symbol text, decimals int, name text)
ON CONFLICT DO NOTHING
""")
_NAMED = text("SELECT * FROM tokens WHERE mint = :mint OR symbol = :symbol")
_COUNT = text("SELECT count(*) FROM pools")
_NEXT_REVISION = text("UPDATE devnet SET revision = revision + 1 RETURNING revision")
_WRITE = text(f"""
UPDATE pools p SET state = a.state, fees_x = a.fees_x, fees_y = a.fees_y, revision = :revision
FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a({_POOL_COLUMNS}) WHERE p.id = a.id
""")


class PoolStore:
    """The pools; each process remembers them and asks for what has changed since."""

    def __init__(
        self, engine: AsyncEngine, hot: HotPool, *, slot_ms: int, most: int = 10_000
    ) -> None:
        self._engine = engine
        self._hot = hot
        self._slot_ms = slot_ms
        self._most = most
        self._revision = -1
        self._pools = Pools({})
        self._book = PoolBook(CHAIN, 0, self._pools)
        self._read_batch: Batch[None, PoolBook] = Batch(self._read_all)

    async def book(self) -> PoolBook:
        """Return all pools as they are now; asked at the same time, read once."""
        return await self._read_batch(None)

    @property
    def known(self) -> TokenList:
        """What this process knew tokens to mean when it last looked."""
        return self._book.tokens

    async def tokens(self, *names: str) -> TokenList:
        """Return what tokens mean, asking anew where one of these names is not known yet."""
        if all(name in self._book.tokens for name in names):
            return self._book.tokens
        return (await self.book()).tokens

    async def launch(self, pool: ListedPool) -> None:
        """Add a pool, and its token where that is new.

        Raises EngineError UNSUPPORTED_PAIR where there is one of this id already, UNKNOWN_TOKEN
        where its token's mint or symbol is another's, whoever came first, and OVERLOADED where
        as many are open as may be.
        """
        async with transaction(self._engine) as connection:
            if not await list_pools(connection, [pool]):
                raise EngineError(
                    ErrorCode.UNSUPPORTED_PAIR,
                    f"There is a pool {pool.id} already.",
                    field=("input", "symbol"),
                )
            await _require_own_names(connection, pool.token_x)
            if (await connection.scalar(_COUNT) or 0) > self._most:
                raise EngineError(
                    ErrorCode.OVERLOADED, f"At most {self._most:,} pools are open at a time."
                )

    async def _read_all(self, asked: Sequence[None]) -> list[PoolBook]:
        rows = await self._hot.fetch(_BOOK, self._revision, self._slot_ms)
        tokens = self._book.tokens
        if changed := [row for row in rows if row["id"] is not None]:
            tokens = tokens.with_launched(tokens_of(changed))
            self._pools = self._pools.with_changed(from_row(row, tokens) for row in changed)
        self._revision = rows[0]["last_revision"]
        self._book = PoolBook(CHAIN, rows[0]["slot_now"], self._pools, tokens)
        return [self._book] * len(asked)


async def read_pools(connection: AsyncConnection) -> dict[str, ListedPool]:
    """Return all pools inside a transaction."""
    rows = [dict(row) for row in (await connection.execute(_POOLS)).mappings()]
    tokens = TokenList(tokens_of(rows))
    return {row["id"]: from_row(row, tokens) for row in rows}


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
    pools = list(pools)
    tokens = [asdict(pool.token_x) for pool in pools if is_launched(pool.token_x)]
    if tokens:
        await connection.execute(_NAME, {"items": json.dumps(tokens)})
    rows = await connection.execute(_LIST, {"items": _items(pools), "revision": revision})
    return [row.id for row in rows]


async def write_pools(
    connection: AsyncConnection, pools: Iterable[ListedPool], *, revision: int
) -> None:
    """Write pools that traded, inside the transaction that settles the trades."""
    await connection.execute(_WRITE, {"items": _items(pools), "revision": revision})


async def _require_own_names(connection: AsyncConnection, token: Token) -> None:
    """Raise where the database has another token of this mint or symbol: it decides, not a list."""
    names = {"mint": token.mint, "symbol": token.symbol}
    for taken in await connection.execute(_NAMED, names):
        if (taken.mint, taken.symbol, taken.decimals) != (token.mint, token.symbol, token.decimals):
            raise EngineError(
                ErrorCode.UNKNOWN_TOKEN,
                f"{taken.symbol} is {taken.mint} with {taken.decimals} decimals.",
                field=("input", "symbol"),
            )


def _items(pools: Iterable[ListedPool]) -> str:
    return json.dumps([to_item(pool) for pool in pools])
