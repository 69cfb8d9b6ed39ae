"""The devnet's ledger in Postgres: takes transactions and tells what became of them."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.devnet.chance import draw
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.swaps.swap import RouteLeg
from engine.swaps.transaction import (
    SignedTransaction,
    StatusReport,
    TransactionState,
    TransactionStatus,
    decode,
)
from models.batch import Batch
from models.devnet import ledger_statements as ledger_sql
from models.devnet.pools import PoolStore

_ROUTE = TypeAdapter(tuple[RouteLeg, ...])


class PostgresLedger:
    """See engine.venues.ledger.Ledger. `pools` shows what its transactions trade with."""

    def __init__(
        self,
        engine: AsyncEngine,
        pools: PoolStore,
        *,
        seed: str,
        slot_ms: int,
        landing_slots_max: int,
        confirmation_slots: int,
    ) -> None:
        self._engine = engine
        self._pools = pools
        self._seed = seed
        self._slot_ms = slot_ms
        self._landing_slots_max = landing_slots_max
        self._confirmation_slots = confirmation_slots
        self._submit_batch: Batch[SignedTransaction, bool] = Batch(self._submit_all)
        self._slot_batch: Batch[None, int] = Batch(self._slot_all)

    async def slot(self) -> int:
        """Return the current slot."""
        return await self._slot_batch(None)

    async def book(self) -> PoolBook:
        """Return all pools as they are now."""
        return await self._pools.book()

    async def submit(self, transaction: SignedTransaction) -> None:
        """Take a transaction; TRANSACTION_EXPIRED where it is unknown and its validity is over."""
        if not await self._submit_batch(transaction):
            raise EngineError(
                ErrorCode.TRANSACTION_EXPIRED,
                "The transaction came after its last valid slot.",
                context={"last_valid_slot": transaction.last_valid_slot},
            )

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        """Return the current slot and what is known of these signatures."""
        parameters = {"signatures": list(signatures)}
        async with self._engine.connect() as connection:
            rows = (await connection.execute(ledger_sql.STATUSES, parameters)).all()
        slot = rows[0].now
        return StatusReport(
            slot=slot,
            statuses={row.signature: self._status(row) for row in rows if row.signature},
        )

    async def _slot_all(self, asked: Sequence[None]) -> list[int]:
        async with self._engine.connect() as connection:
            slot = await connection.scalar(ledger_sql.SLOT, {"slot_ms": self._slot_ms})
        assert slot is not None  # the migrations put it there
        return [slot] * len(asked)

    async def _submit_all(self, sent: Sequence[SignedTransaction]) -> list[bool]:
        items = json.dumps([self._item(n, signed) for n, signed in enumerate(sent)])
        signatures = [signed.signature for signed in sent]
        async with self._engine.connect() as connection:
            parameters = {"items": items, "slot_ms": self._slot_ms}
            taken = await connection.execute(ledger_sql.SUBMIT, parameters)
            if taken.rowcount == len(sent):
                return [True] * len(sent)
            rows = await connection.execute(ledger_sql.KNOWN, {"signatures": signatures})
            known = {row.signature for row in rows}
        return [signature in known for signature in signatures]

    def _item(self, n: int, signed: SignedTransaction) -> dict[str, Any]:
        swap = decode(signed.payload)
        return {
            "n": n,
            "signature": signed.signature,
            "payload": "\\x" + signed.payload.hex(),
            "venue": swap.venue,
            "memo": swap.memo,
            "token_in": swap.token_in,
            "token_out": swap.token_out,
            "amount_in": swap.amount_in,
            "last_valid_slot": swap.last_valid_slot,
            # Spread over the next slots by what it says: same bytes, same delay.
            "landing_slots": 1 + draw(self._seed, "landing", swap.terms) % self._landing_slots_max,
        }

    def _status(self, row: Any) -> TransactionStatus:
        if row.outcome is None:
            return TransactionStatus(TransactionState.PENDING)
        state = TransactionState(row.outcome)
        if state is TransactionState.LANDED and row.now >= row.slot + self._confirmation_slots:
            state = TransactionState.CONFIRMED
        return TransactionStatus(
            state=state,
            amount_out=None if row.amount_out is None else int(row.amount_out),
            fee=None if row.fee is None else int(row.fee),
            slot=row.slot,
            code=None if row.code is None else ErrorCode(row.code),
            route=_ROUTE.validate_python(row.route or (), strict=False),
        )
