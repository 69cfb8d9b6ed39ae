"""A venue whose pools are on the devnet."""

import asyncio
from collections.abc import Sequence
from itertools import groupby

from engine.amounts import price
from engine.devnet.chain import Rules
from engine.devnet.chance import happens
from engine.errors import EngineError, ErrorCode
from engine.swaps.paths import best_path, ways
from engine.swaps.simulation import RELIABLE, Fault
from engine.swaps.swap import NotAlone, Quote, RouteLeg, Swap
from engine.swaps.transaction import (
    Hop,
    PoolShare,
    SignedTransaction,
    StatusReport,
    SwapTransaction,
    sign,
)
from engine.tokens import Token
from engine.venues.ledger import Ledger

_FOR_EVER_SECONDS = 86_400


class SimulatedVenue:
    """Quotes from its own pools and trades through the devnet's ledger.

    It goes wrong when it is asked to: by an order's `fault`, or at the rates the rules give it.
    """

    simulated = True

    def __init__(
        self,
        id: str,
        name: str,
        ledger: Ledger,
        rules: Rules,
        *,
        quote_latency_ms: int,
        quote_validity_slots: int,
        validity_slots: int,
    ) -> None:
        self.id = id
        self.name = name
        self._ledger = ledger
        self._seed = rules.seed
        self._faults = rules.faults.get(id, RELIABLE)
        self._quote_latency_ms = quote_latency_ms
        self._quote_validity_slots = quote_validity_slots
        self._validity_slots = validity_slots
        self._trading: set[tuple[Token, Token]] = set()

    async def healthy(self) -> bool:
        try:
            await self._ledger.slot()
        except EngineError:
            return False
        return True

    async def trades(self, token_in: Token, token_out: Token) -> bool:
        # Pools are never closed: what traded once needs no other look.
        if (token_in, token_out) in self._trading:
            return True
        book = (await self._ledger.book()).of([self.id])
        if token_in == token_out or not ways(token_in, token_out, book):
            return False
        self._trading.add((token_in, token_out))
        return True

    async def quote(self, swap: Swap) -> Quote:
        latency_ms = self._quote_latency_ms + self._faults.extra_latency_ms
        await asyncio.sleep((latency_ms + swap.extra_latency_ms) / 1000)
        book = await self._ledger.book()
        await self._go_wrong(swap, book.slot)
        book = book.of([self.id])
        try:
            path = best_path(swap, book, allow_split=False)
        except EngineError as error:
            raise NotAlone(error, venue=self.id, book=book) from None
        return Quote(
            venue=self.id,
            amount_in=swap.amount_in,
            amount_out=path.amount_out,
            fee=path.fee,
            price=price(swap.amount_in, swap.token_in, path.amount_out, swap.token_out),
            price_impact_bps=path.price_impact_bps,
            route=path.route,
            book=book,
            fault=swap.fault,
        )

    async def build(
        self, quote: Quote, *, min_amount_out: int, memo: str, nonce: int
    ) -> SignedTransaction:
        slot = await self._ledger.slot()
        if quote.book is None or slot > quote.book.slot + self._quote_validity_slots:
            raise EngineError(
                ErrorCode.QUOTE_EXPIRED,
                f"The quote is older than the {self._quote_validity_slots} slots it is good for.",
                venue=self.id,
                context={"valid_for_slots": self._quote_validity_slots},
            )
        return sign(
            SwapTransaction(
                venue=self.id,
                token_in=quote.route[0].token_in,
                amount_in=quote.amount_in,
                hops=_hops(quote.route),
                min_amount_out=min_amount_out,
                memo=memo,
                nonce=nonce,
                last_valid_slot=slot + self._validity_slots,
                fault=quote.fault,
            )
        )

    async def submit(self, transaction: SignedTransaction) -> None:
        await self._ledger.submit(transaction)

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        return await self._ledger.statuses(signatures)

    async def _go_wrong(self, swap: Swap, slot: int) -> None:
        about = (self._seed, self.id, slot, swap.token_in.mint, swap.token_out.mint, swap.amount_in)
        if swap.fault is Fault.QUOTE_TIMEOUT or happens(
            self._faults.timeout_rate, "timeout", *about
        ):
            await asyncio.sleep(_FOR_EVER_SECONDS)
        if swap.fault is Fault.QUOTE_FAILURE or happens(self._faults.error_rate, "error", *about):
            raise EngineError(
                ErrorCode.VENUE_UNAVAILABLE, f"{self.name} did not answer.", venue=self.id
            )


def _hops(route: Sequence[RouteLeg]) -> tuple[Hop, ...]:
    """Return a route's legs as hops: legs of the same two tokens stand side by side."""
    return tuple(
        Hop(bought, tuple(PoolShare(leg.pool, leg.amount_in) for leg in legs))
        for (_, bought), legs in groupby(route, key=lambda leg: (leg.token_in, leg.token_out))
    )
