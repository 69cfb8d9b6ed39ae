"""Lays a history of any length by COPY: the rows of real orders again and again, as they are but
for ids, signatures and times. So it knows no column by name but those, and no JSON at all."""

import asyncio
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

import asyncpg

from bench.lives import LIVES, Life

_CHUNK = 5_000
_STEP = timedelta(seconds=1)
"""From one order to the next: ten million are four months."""
_LINK = {"orders": "id", "order_events": "order_id", "ledger_transactions": "memo"}
# Generated and identity columns make themselves.
_COLUMNS = """
SELECT attname, atttypid = 'timestamptz'::regtype AS is_time FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
    AND attgenerated = '' AND attidentity = '' ORDER BY attnum
"""
_SIGNATURES = """
SELECT DISTINCT tx_signature FROM order_events
WHERE order_id = $1::text::uuid AND tx_signature IS NOT NULL
"""
_CONSTRAINTS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
        pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid = ANY($1::text[]::regclass[]) AND contype IN ('f', 'p', 'u')
ORDER BY contype = 'f' DESC
"""
_INDEXES = """
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY($1::text[]::regclass[])
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


@dataclass(frozen=True, slots=True)
class _Template:
    """The rows of a life by table, with places for what is new in each copy."""

    life: Life
    rows: Mapping[str, str]
    signatures: int
    times: Sequence[timedelta]
    """After the order's created_at, one for each place."""

    def filled(self, number: int, created_at: datetime, chance: Random) -> dict[str, str]:
        """Return the rows of the history's order of this number."""
        new = {"id": _uuid7(number, created_at, chance), "client": f"laid-{number}"}
        for n in range(self.signatures):
            new[f"s{n}"] = f"{chance.getrandbits(128):032x}"
        for n, after in enumerate(self.times):
            new[f"t{n}"] = str(created_at + after)
        return {table: rows % new for table, rows in self.rows.items()}


async def lay(url: str, count: int, lives: Sequence[Life] = LIVES) -> tuple[datetime, datetime]:
    """Add `count` orders to a database that has one of each life; return from when to when.

    Indexes are made at the end and triggers do not fire: the rows are true already.
    """
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        columns = {table: await connection.fetch(_COLUMNS, table) for table in _LINK}
        templates = [
            await _template(connection, columns, number, life) for number, life in enumerate(lives)
        ]
        constraints = await connection.fetch(_CONSTRAINTS, list(_LINK))
        indexes = await connection.fetch(_INDEXES, list(_LINK))
        await connection.execute("SET session_replication_role = replica")
        for drop, _ in (*constraints, *indexes):
            await connection.execute(drop)
        last: datetime = await connection.fetchval("SELECT min(created_at) FROM orders")
        first = last - count * _STEP
        await _copy(connection, columns, templates, first, count)
        for _, make in (*reversed(constraints), *indexes):
            await connection.execute(make)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
    return first, last


async def _copy(
    connection: asyncpg.Connection,
    columns: Mapping[str, Sequence[asyncpg.Record]],
    templates: Sequence[_Template],
    first: datetime,
    count: int,
) -> None:
    chance = Random("growth")
    starts = range(0, count, _CHUNK)

    def chunk(start: int) -> dict[str, bytes]:
        some = range(start, min(start + _CHUNK, count))
        return _rows(templates, some, first, chance, long_ago=start < count // 100)

    coming = asyncio.create_task(asyncio.to_thread(chunk, 0))
    for start in starts:
        rows = await coming
        if start != starts[-1]:
            coming = asyncio.create_task(asyncio.to_thread(chunk, start + _CHUNK))
        for table, lines in rows.items():
            names = [name for name, _ in columns[table]]
            await connection.copy_to_table(table, source=io.BytesIO(lines), columns=names)


def _rows(
    templates: Sequence[_Template],
    numbers: range,
    first: datetime,
    chance: Random,
    *,
    long_ago: bool,
) -> dict[str, bytes]:
    weights = [
        template.life.per_thousand * (long_ago or not template.life.only_long_ago)
        for template in templates
    ]
    chosen = chance.choices(templates, cum_weights=list(accumulate(weights)), k=len(numbers))
    filled = [
        template.filled(number, first + number * _STEP, chance)
        for template, number in zip(chosen, numbers, strict=True)
    ]
    return {table: "".join(rows[table] for rows in filled).encode() for table in _LINK}


async def _template(
    connection: asyncpg.Connection,
    columns: Mapping[str, Sequence[asyncpg.Record]],
    number: int,
    life: Life,
) -> _Template:
    """Read a life's rows, and make places of what a copy has of its own."""
    client = f"life-{number}"
    order = await connection.fetchrow(
        "SELECT id::text, created_at FROM orders WHERE client_order_id = $1", client
    )
    signatures = await connection.fetch(_SIGNATURES, order["id"])
    places = {order["id"]: "%(id)s", client: "%(client)s"}
    # Half a signature or less is new: they stay as long as they are, and come in no order.
    places |= {signature[:32]: f"%(s{n})s" for n, (signature,) in enumerate(signatures)}
    own = re.compile("|".join(map(re.escape, places)))
    times: list[timedelta] = []

    def with_places(column: asyncpg.Record, value: str) -> str:
        kept = column["attname"] == "expires_at" and life.rests
        if column["is_time"] and value != r"\N" and not kept:
            times.append(datetime.fromisoformat(value) - order["created_at"])
            return f"%(t{len(times) - 1})s"
        return own.sub(lambda found: places[found[0]], value.replace("%", "%%"))

    rows = {}
    for table, link in _LINK.items():
        rows[table] = ""
        for line in await _lines(connection, table, columns[table], f"{link} = '{order['id']}'"):
            fields = map(with_places, columns[table], line.split("\t"))
            rows[table] += "\t".join(fields) + "\n"
    return _Template(life, rows, len(signatures), times)


async def _lines(
    connection: asyncpg.Connection, table: str, columns: Sequence[asyncpg.Record], which: str
) -> list[str]:
    copied = io.BytesIO()
    names = ", ".join(name for name, _ in columns)
    query = f"SELECT {names} FROM {table} WHERE {which}"
    await connection.copy_from_query(query, output=copied)
    return copied.getvalue().decode().split("\n")[:-1]  # not splitlines: text has ends of its own


def _uuid7(number: int, at: datetime, chance: Random) -> str:
    millis = f"{int(at.timestamp() * 1000):012x}"
    return (
        f"{millis[:8]}-{millis[8:]}-7{number >> 12 & 0xFFF:03x}-8{number & 0xFFF:03x}-"
        f"{chance.getrandbits(48):012x}"
    )
