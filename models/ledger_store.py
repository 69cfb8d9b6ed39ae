"""The devnet's ledger in Postgres: every SQL statement about slots and transactions."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import Text

from engine.errors import EngineError, ErrorCode
from engine.transaction import (
    SignedTransaction,
    StatusReport,
    SwapTransaction,
    TransactionState,
    TransactionStatus,
    decode,
)
from models.batch import Batch
from models.database import transaction

Execute = Callable[[SwapTransaction, int], TransactionStatus]

# The slot it is by the clock, whether or not the slots up to it have been run yet.
_SLOT_NOW = """
(devnet.slot + floor(extract(epoch FROM now() - devnet.slot_began_at) * 1000 / :slot_ms))::int
"""

# A transaction is taken while it is valid, once; an expired one never, so that a sender that
# slept through its validity cannot wake up and trade.
_SUBMIT = text(f"""
WITH sent AS (
    SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS s(
        signature text, payload bytea, venue text, memo text, amount_in numeric,
        last_valid_slot int, landing_slots int)
)
INSERT INTO ledger_transactions (signature, payload, venue, memo, amount_in, land_slot)
SELECT s.signature, s.payload, s.venue, s.memo, s.amount_in, {_SLOT_NOW} + s.landing_slots
FROM sent s CROSS JOIN devnet
WHERE {_SLOT_NOW} <= s.last_valid_slot
ON CONFLICT (signature) DO NOTHING
""")
_SLOT = text(f"SELECT {_SLOT_NOW} FROM devnet")
_KNOWN = text("SELECT signature FROM ledger_transactions WHERE signature = ANY(:signatures)")
_STATUSES = text("""
SELECT devnet.slot AS now, t.signature, t.outcome, t.code, t.amount_out, t.fee, t.slot
FROM devnet LEFT JOIN ledger_transactions t ON t.signature = ANY(:signatures)
""").bindparams(bindparam("signatures", type_=ARRAY(Text)))

_BEGIN_SLOT = text("""
SELECT slot, floor(extract(epoch FROM now() - slot_began_at) * 1000 / :slot_ms)::int AS passed
FROM devnet FOR UPDATE SKIP LOCKED
""")
_DUE = text("""
SELECT signature, payload, land_slot FROM ledger_transactions
WHERE outcome IS NULL AND land_slot <= :slot ORDER BY land_slot, submitted_at, signature
""")
_SETTLE = text("""
UPDATE ledger_transactions t SET
    outcome = s.outcome, code = s.code, amount_out = s.amount_out, fee = s.fee, slot = s.slot
FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS s(
    signature text, outcome text, code text, amount_out numeric, fee numeric, slot int)
WHERE t.signature = s.signature AND t.outcome IS NULL
""")
_END_SLOT = text("""
UPDATE devnet SET slot = slot + :passed,
    slot_began_at = slot_began_at + CAST(:passed AS bigint) * :slot_ms * interval '1 ms'
""")


class PostgresLedger:
    """Takes, executes and reports transactions; see engine.venues.ledger.Ledger."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        slot_ms: int,
        landing_slots_max: int,
        confirmation_slots: int,
    ) -> None:
        self._engine = engine
        self._slot_ms = slot_ms
        self._landing_slots_max = landing_slots_max
        self._confirmation_slots = confirmation_slots
        self._submit_batch: Batch[SignedTransaction, bool] = Batch(self._submit_all)
        self._slot_batch: Batch[None, int] = Batch(self._slot_all)

    async def slot(self) -> int:
        """Return the current slot."""
        return await self._slot_batch(None)

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
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_STATUSES, {"signatures": list(signatures)})).all()
        slot = rows[0].now
        return StatusReport(
            slot=slot,
            statuses={row.signature: self._status(row) for row in rows if row.signature},
        )

    async def run_slot(self, execute: Execute) -> int | None:
        """Run the slots that are due and return how many transactions they settled.

        None where no slot is due, or another runner is at it.

        One runner at a time holds the devnet's row; another that comes meanwhile does nothing.
        After a pause all missed slots are run as one, each transaction in the slot it was due.
        """
        async with transaction(self._engine) as connection:
            slot_ms = self._slot_ms
            began = (await connection.execute(_BEGIN_SLOT, {"slot_ms": slot_ms})).one_or_none()
            if began is None or began.passed < 1:
                return None
            slot = began.slot + began.passed
            due = (await connection.execute(_DUE, {"slot": slot})).all()
            if due:
                outcomes = [
                    _outcome(row, execute, at=max(row.land_slot, began.slot + 1)) for row in due
                ]
                await connection.execute(_SETTLE, {"items": json.dumps(outcomes)})
            await connection.execute(_END_SLOT, {"passed": began.passed, "slot_ms": slot_ms})
            return len(due)

    async def _slot_all(self, asked: Sequence[None]) -> list[int]:
        async with self._engine.connect() as connection:
            slot = int(await connection.scalar(_SLOT, {"slot_ms": self._slot_ms}))
        return [slot] * len(asked)

    async def _submit_all(self, sent: Sequence[SignedTransaction]) -> list[bool]:
        items = json.dumps([self._item(signed) for signed in sent])
        signatures = [signed.signature for signed in sent]
        async with self._engine.connect() as connection:
            parameters = {"items": items, "slot_ms": self._slot_ms}
            taken = await connection.execute(_SUBMIT, parameters)
            if taken.rowcount == len(sent):
                return [True] * len(sent)
            rows = await connection.execute(_KNOWN, {"signatures": signatures})
            known = {row.signature for row in rows}
        return [signature in known for signature in signatures]

    def _item(self, signed: SignedTransaction) -> dict[str, Any]:
        swap = decode(signed.payload)
        # Spread over the next slots by the signature itself: no dice, same bytes, same delay.
        spread = sum(signed.signature.encode()) % self._landing_slots_max
        return {
            "signature": signed.signature,
            "payload": "\\x" + signed.payload.hex(),
            "venue": swap.venue,
            "memo": swap.memo,
            "amount_in": swap.amount_in,
            "last_valid_slot": swap.last_valid_slot,
            "landing_slots": 1 + spread,
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
        )


def _outcome(row: Any, execute: Execute, *, at: int) -> dict[str, Any]:
    status = execute(decode(row.payload), at)
    return {
        "signature": row.signature,
        "outcome": status.state,
        "code": status.code,
        "amount_out": status.amount_out,
        "fee": status.fee,
        "slot": at,
    }
