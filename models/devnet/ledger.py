"""The devnet's ledger in Postgres: takes transactions and tells what became of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from engine.devnet.chance import draw
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.swaps.swap import RouteLeg
from engine.swaps.transaction import (
    SignedTransaction,
    StatusReport,
    SwapTransaction,
    TransactionState,
    TransactionStatus,
    decode,
)
from models.batch import Batch
from models.devnet import ledger_statements
from models.devnet.pools import PoolStore
from models.hot import HotPool

_ROUTE = TypeAdapter(tuple[RouteLeg, ...])


class PostgresLedger:
    """See engine.venues.ledger.Ledger. `pools` shows what its transactions trade with."""

    def __init__(
        self,
        hot: HotPool,
        pools: PoolStore,
        *,
        seed: str,
        slot_ms: int,
        landing_slots_max: int,
        confirmation_slots: int,
    ) -> None:
        self._hot = hot
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
            raise _expired(transaction)

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        """Take transactions; for each None, or TRANSACTION_EXPIRED as `submit` raises it."""
        taken = await self._submit_all(transactions)
        return [
            None if is_taken else _expired(transaction)
            for transaction, is_taken in zip(transactions, taken, strict=True)
        ]

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        """Return the current slot and what is known of these signatures."""
        rows = await self._hot.fetch(ledger_statements.STATUSES, list(signatures))
        return StatusReport(
            slot=rows[0]["now"],
            statuses={row["signature"]: self._status(row) for row in rows if row["signature"]},
        )

    async def _slot_all(self, asked: Sequence[None]) -> list[int]:
        rows = await self._hot.fetch(ledger_statements.SLOT, self._slot_ms)
        return [int(rows[0][0])] * len(asked)  # the migrations put the row there

    async def _submit_all(self, sent: Sequence[SignedTransaction]) -> list[bool]:
        swaps = [decode(signed.payload) for signed in sent]
        rows = await self._hot.fetch(
            ledger_statements.SUBMIT,
            self._slot_ms,
            [signed.signature for signed in sent],
            [signed.payload for signed in sent],
            [swap.venue for swap in swaps],
            [swap.memo for swap in swaps],
            [swap.token_in for swap in swaps],
            [swap.token_out for swap in swaps],
            [swap.amount_in for swap in swaps],
            [swap.last_valid_slot for swap in swaps],
            [self._landing_slots(swap) for swap in swaps],
        )
        taken = {row["signature"] for row in rows}
        if left := [signed.signature for signed in sent if signed.signature not in taken]:
            known = await self._hot.fetch(ledger_statements.KNOWN, left)
            taken.update(row["signature"] for row in known)
        return [signed.signature in taken for signed in sent]

    def _landing_slots(self, swap: SwapTransaction) -> int:
        # Spread over the next slots by what it says: same bytes, same delay.
        return 1 + draw(self._seed, "landing", swap.terms) % self._landing_slots_max

    def _status(self, row: Mapping[str, Any]) -> TransactionStatus:
        if row["outcome"] is None:
            return TransactionStatus(TransactionState.PENDING)
        state = TransactionState(row["outcome"])
        deep_enough = row["slot"] is not None and (
            row["now"] >= row["slot"] + self._confirmation_slots
        )
        if state is TransactionState.LANDED and deep_enough:
            state = TransactionState.CONFIRMED
        return TransactionStatus(
            state=state,
            amount_out=None if row["amount_out"] is None else int(row["amount_out"]),
            fee=None if row["fee"] is None else int(row["fee"]),
            slot=row["slot"],
            code=None if row["code"] is None else ErrorCode(row["code"]),
            route=() if row["route"] is None else _ROUTE.validate_json(row["route"]),
        )


def _expired(transaction: SignedTransaction) -> EngineError:
    return EngineError(
        ErrorCode.TRANSACTION_EXPIRED,
        "The transaction came after its last valid slot.",
        context={"last_valid_slot": transaction.last_valid_slot},
    )
