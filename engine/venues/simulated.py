"""A venue of constant-product pools on the devnet's own ledger."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.amounts import price
from engine.errors import EngineError, ErrorCode
from engine.pools.cpmm import ConstantProductPool, swap_exact_in
from engine.pools.impact import price_impact_bps
from engine.pools.swap import Direction, SwapResult
from engine.swap import Quote, RouteLeg, Swap
from engine.tokens import Token
from engine.transaction import (
    SignedTransaction,
    StatusReport,
    SwapTransaction,
    TransactionState,
    TransactionStatus,
    sign,
)
from engine.venues.ledger import Ledger


@dataclass(frozen=True, slots=True)
class PoolListing:
    """A pool as a venue lists it, and the tokens behind its X and Y."""

    id: str
    token_x: Token
    token_y: Token
    pool: ConstantProductPool

    def direction(self, mint_out: str) -> Direction:
        """Return which way a swap into the token of this mint goes."""
        return Direction.SELL_X if mint_out == self.token_y.mint else Direction.SELL_Y


class SimulatedVenue:
    """Quotes from its pools after `quote_latency_ms`, and trades through the devnet's ledger."""

    simulated = True

    def __init__(
        self,
        id: str,
        name: str,
        pools: Sequence[PoolListing],
        ledger: Ledger,
        *,
        quote_latency_ms: int,
        validity_slots: int,
    ) -> None:
        self.id = id
        self.name = name
        self._pools = {frozenset((pool.token_x, pool.token_y)): pool for pool in pools}
        self._ledger = ledger
        self._quote_latency_ms = quote_latency_ms
        self._validity_slots = validity_slots

    async def healthy(self) -> bool:
        try:
            await self._ledger.slot()
        except EngineError:
            return False
        return True

    def trades(self, token_in: Token, token_out: Token) -> bool:
        return frozenset((token_in, token_out)) in self._pools

    async def quote(self, swap: Swap) -> Quote:
        await asyncio.sleep(self._quote_latency_ms / 1000)
        pool = self._pools.get(frozenset((swap.token_in, swap.token_out)))
        if pool is None:
            raise EngineError(
                ErrorCode.NO_ROUTE, f"{self.name} has no pool for this pair.", venue=self.id
            )
        direction = pool.direction(swap.token_out.mint)
        filled = swap_exact_in(pool.pool, swap.amount_in, direction)
        reserve_in, reserve_out = pool.pool.reserves(direction)
        return Quote(
            venue=self.id,
            amount_in=swap.amount_in,
            amount_out=filled.amount_out,
            fee=filled.fee,
            price=price(swap.amount_in, swap.token_in, filled.amount_out, swap.token_out),
            price_impact_bps=price_impact_bps(
                filled.amount_in - filled.fee,
                filled.amount_out,
                spot=Fraction(reserve_out, reserve_in),
            ),
            route=(self._leg(pool, swap, filled),),
        )

    async def build(
        self, quote: Quote, *, min_amount_out: int, memo: str, nonce: int
    ) -> SignedTransaction:
        (leg,) = quote.route
        return sign(
            SwapTransaction(
                venue=self.id,
                pool=leg.pool,
                token_in=leg.token_in,
                token_out=leg.token_out,
                amount_in=leg.amount_in,
                min_amount_out=min_amount_out,
                memo=memo,
                nonce=nonce,
                last_valid_slot=await self._ledger.slot() + self._validity_slots,
            )
        )

    async def submit(self, transaction: SignedTransaction) -> None:
        await self._ledger.submit(transaction)

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        return await self._ledger.statuses(signatures)

    def _leg(
        self, pool: PoolListing, swap: Swap, filled: SwapResult[ConstantProductPool]
    ) -> RouteLeg:
        return RouteLeg(
            venue=self.id,
            pool=pool.id,
            token_in=swap.token_in.mint,
            token_out=swap.token_out.mint,
            amount_in=swap.amount_in,
            amount_out=filled.amount_out,
            fee=filled.fee,
            share_bps=10_000,
        )


def execute(
    transaction: SwapTransaction, pools: Mapping[str, PoolListing], slot: int
) -> TransactionStatus:
    """Return what a transaction comes to in `slot`: LANDED with its fill, REVERTED or EXPIRED.

    Pure: the ledger stores what this says, once for each signature.
    """
    if slot > transaction.last_valid_slot:
        return TransactionStatus(TransactionState.EXPIRED, code=ErrorCode.TRANSACTION_EXPIRED)
    pool = pools.get(transaction.pool)
    if pool is None:
        return TransactionStatus(
            TransactionState.REVERTED, slot=slot, code=ErrorCode.VENUE_REJECTED
        )
    direction = pool.direction(transaction.token_out)
    try:
        filled = swap_exact_in(pool.pool, transaction.amount_in, direction)
    except EngineError as error:
        return TransactionStatus(TransactionState.REVERTED, slot=slot, code=error.code)
    if filled.amount_out < transaction.min_amount_out:
        return TransactionStatus(
            TransactionState.REVERTED, slot=slot, code=ErrorCode.SLIPPAGE_EXCEEDED
        )
    return TransactionStatus(
        TransactionState.LANDED, amount_out=filled.amount_out, fee=filled.fee, slot=slot
    )
