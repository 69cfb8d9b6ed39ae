"""A venue whose pools are on the devnet."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

from engine.amounts import price
from engine.devnet.chain import Rules
from engine.devnet.chance import happens
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
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
from engine.venues.groups import BuildOrder
from engine.venues.ledger import Ledger

T = TypeVar("T")

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

    async def healthy(self) -> bool:
        try:
            await self._ledger.slot()
        except Exception:  # whatever keeps it from knowing
            return False
        return True

    @property
    def answers_many(self) -> bool:
        """Whether it can be asked about many at once: not where rates have it fail for some."""
        return self._faults == RELIABLE

    async def trades(self, token_in: Token, token_out: Token) -> bool:
        book = (await self._ledger.book()).of([self.id])
        return token_in != token_out and bool(ways(token_in, token_out, book))

    async def quote(self, swap: Swap) -> Quote:
        latency_ms = self._quote_latency_ms + self._faults.extra_latency_ms
        await asyncio.sleep((latency_ms + swap.extra_latency_ms) / 1000)
        book = await self._ledger.book()
        await self._go_wrong(swap, book.slot)
        return self._offer(swap, book.of([self.id]))

    async def quote_many(self, swaps: Sequence[Swap]) -> Sequence[Quote | EngineError]:
        await asyncio.sleep(self._quote_latency_ms / 1000)
        book = (await self._ledger.book()).of([self.id])
        return [_or_error(lambda swap=swap: self._offer(swap, book)) for swap in swaps]  # type: ignore[misc]

    async def build(
        self, quote: Quote, *, min_amount_out: int, memo: str, nonce: int
    ) -> SignedTransaction:
        slot = await self._ledger.slot()
        return self._sign(BuildOrder(quote, min_amount_out, memo, nonce), slot)

    async def build_many(
        self, asked: Sequence[BuildOrder]
    ) -> Sequence[SignedTransaction | EngineError]:
        slot = await self._ledger.slot()
        return [_or_error(lambda one=one: self._sign(one, slot)) for one in asked]  # type: ignore[misc]

    async def submit(self, transaction: SignedTransaction) -> None:
        await self._ledger.submit(transaction)

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        return await self._ledger.submit_many(transactions)

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        return await self._ledger.statuses(signatures)

    def _offer(self, swap: Swap, book: PoolBook) -> Quote:
        try:
            path = best_path(swap, book, allow_split=False)
        except EngineError as error:
            # Its pools come along: together with another's they may well do it.
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

    def _sign(self, asked: BuildOrder, slot: int) -> SignedTransaction:
        quote = asked.quote
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
                min_amount_out=asked.min_amount_out,
                memo=asked.memo,
                nonce=asked.nonce,
                last_valid_slot=slot + self._validity_slots,
                fault=quote.fault,
            )
        )

    async def _go_wrong(self, swap: Swap, slot: int) -> None:
        # By what is asked and when, never by whose order it is: ids are new in each run.
        about = (self._seed, self.id, slot, swap.token_in.mint, swap.token_out.mint, swap.amount_in)
        if swap.fault is Fault.QUOTE_TIMEOUT or happens(
            self._faults.timeout_rate, "timeout", *about
        ):
            # Beyond every deadline: it is the router that gives up.
            await asyncio.sleep(_FOR_EVER_SECONDS)
        if swap.fault is Fault.QUOTE_FAILURE or happens(self._faults.error_rate, "error", *about):
            raise EngineError(
                ErrorCode.VENUE_UNAVAILABLE, f"{self.name} did not answer.", venue=self.id
            )


def _or_error(answer: Callable[[], T]) -> T | EngineError:
    try:
        return answer()
    except EngineError as error:
        return error


def _hops(route: Sequence[RouteLeg]) -> tuple[Hop, ...]:
    """Return a route's legs as hops: legs of the same two tokens stand side by side."""
    return tuple(
        Hop(bought, tuple(PoolShare(leg.pool, leg.amount_in) for leg in legs))
        for (_, bought), legs in groupby(route, key=lambda leg: (leg.token_in, leg.token_out))
    )
