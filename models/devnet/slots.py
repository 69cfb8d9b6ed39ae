"""Runs the devnet's slots: one runner at a time, each slot once, all of it or nothing."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from engine.devnet.chain import Chain, Rules
from engine.errors import EngineError, ErrorCode
from engine.pools.listed import ListedPool
from engine.swaps.transaction import TransactionState, TransactionStatus, decode
from models.database import transaction
from models.devnet import ledger_statements as ledger_sql
from models.devnet.candles import to_items as candles_of
from models.devnet.pools import insert_pools, read_pools, write_pools

MAX_MARKET_SLOTS = 750
"""After a longer pause (5 minutes of slots) the market moves only in the last of them."""

_SLOTS_AT_A_STRETCH = 25


@dataclass(frozen=True, slots=True)
class SlotRun:
    """What a run did: up to which slot, how many transactions, and to which pools."""

    slot: int
    settled: int
    pools: tuple[str, ...]


class SlotRunner:
    """Remembers the pools as it left them, and reads them again when another ran the last slot."""

    def __init__(self, engine: AsyncEngine, rules: Rules, *, slot_ms: int) -> None:
        self._engine = engine
        self._rules = rules
        self._slot_ms = slot_ms
        self._known: tuple[int, dict[str, ListedPool]] | None = None

    async def run(self) -> SlotRun | None:
        """Run the slots that are due; None where none is, or where another runner is at it.

        Whoever holds the devnet's row runs; others that come meanwhile do nothing. After a pause
        the missed slots are run one after the other, each transaction in the slot it was due.
        """
        known, self._known = self._known, None  # what fails below is read again
        async with transaction(self._engine) as connection:
            slot_ms = self._slot_ms
            began = (
                await connection.execute(ledger_sql.BEGIN_SLOT, {"slot_ms": slot_ms})
            ).one_or_none()
            if began is None or began.passed < 1:
                self._known = known
                return None
            revision = began.revision
            if known is None or known[0] != revision:
                known = (revision, await read_pools(connection))
            chain = Chain(known[1], self._rules)
            target = began.slot + began.passed
            due = (await connection.execute(ledger_sql.DUE, {"slot": target})).all()
            outcomes = await _run_slots(chain, due, began.slot + 1, target)
            revision += bool(chain.trades or chain.launched)
            await self._write(connection, chain, outcomes, began, revision)
        self._known = (revision, chain.pools)
        moved = (*chain.changed, *chain.launched)
        return SlotRun(target, len(outcomes), tuple(pool.id for pool in moved))

    async def _write(
        self,
        connection: AsyncConnection,
        chain: Chain,
        outcomes: Sequence[dict[str, Any]],
        began: Row[Any],
        revision: int,
    ) -> None:
        if outcomes:
            await connection.execute(ledger_sql.SETTLE, {"items": json.dumps(outcomes)})
        if chain.launched:
            await insert_pools(connection, chain.launched, revision=revision)
        if chain.trades:
            await write_pools(connection, chain.changed, revision=revision)
            slot = timedelta(milliseconds=self._slot_ms)
            candles = candles_of(
                chain.trades, lambda n: began.slot_began_at + (n - began.slot) * slot
            )
            await connection.execute(ledger_sql.CANDLES, {"items": json.dumps(candles)})
        if chain.market_gains:
            gains = [{"mint": mint, "atoms": n} for mint, n in sorted(chain.market_gains.items())]
            await connection.execute(ledger_sql.MARKET_GAINS, {"items": json.dumps(gains)})
        await connection.execute(
            ledger_sql.END_SLOT,
            {"passed": began.passed, "slot_ms": self._slot_ms, "revision": revision},
        )


async def _run_slots(
    chain: Chain, due: Sequence[Row[Any]], first: int, last: int
) -> list[dict[str, Any]]:
    """Run the slots `first` … `last` and return what became of the due transactions."""
    at: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in due:
        at[max(row.land_slot, first)].append(row)
    market_from = max(first, last - MAX_MARKET_SLOTS + 1)
    outcomes: list[dict[str, Any]] = []
    for slot in sorted({*at, *range(market_from, last + 1)}):
        outcomes += [_outcome(row.signature, _execute(chain, row, slot), slot) for row in at[slot]]
        if slot >= market_from:
            chain.launch(slot)
            chain.move_market(slot)
        if slot % _SLOTS_AT_A_STRETCH == 0:
            await asyncio.sleep(0)  # others share this event loop
    return outcomes


def _execute(chain: Chain, row: Row[Any], slot: int) -> TransactionStatus:
    try:
        return chain.execute(decode(row.payload), slot)
    except EngineError:
        # Bytes that were taken and cannot be read must not stop the chain.
        return TransactionStatus(
            TransactionState.REVERTED, slot=slot, code=ErrorCode.VENUE_REJECTED
        )


def _outcome(signature: str, status: TransactionStatus, slot: int) -> dict[str, Any]:
    return {
        "signature": signature,
        "outcome": status.state,
        "code": status.code,
        "amount_out": status.amount_out,
        "fee": status.fee,
        "slot": slot,
        "route": [leg.model_dump() for leg in status.route] or None,
    }
