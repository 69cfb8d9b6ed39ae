"""Venues for tests: real implementations of the protocol, made to fail on request."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from engine.errors import EngineError, ErrorCode
from engine.swaps.swap import Quote, RouteLeg, Swap
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


class ScriptedVenue:
    """Quotes `amount_out` for anything; its errors and delays come from the test, in turn."""

    simulated = True

    def __init__(
        self,
        id: str = "scripted",
        *,
        amount_out: int = 1_000_000,
        legs: int = 1,
        impact_bps: str = "0",
        quote_errors: Sequence[Exception] = (),
        quote_seconds: float = 0.0,
        submit_errors: Sequence[BaseException] = (),
        ledger: Ledger | None = None,
    ) -> None:
        self.id, self.name = id, id.title()
        self.amount_out = amount_out
        self.legs = legs
        self.impact = Decimal(impact_bps)
        self.quote_errors = list(quote_errors)
        self.quote_seconds = quote_seconds
        self.submit_errors = list(submit_errors)
        self.ledger = ledger
        self.quoted = self.built = self.submitted = 0

    async def healthy(self) -> bool:
        return not self.quote_errors

    async def trades(self, token_in: Token, token_out: Token) -> bool:
        return True

    async def quote(self, swap: Swap) -> Quote:
        self.quoted += 1
        await asyncio.sleep(self.quote_seconds)
        if self.quote_errors:
            raise self.quote_errors.pop(0)
        leg = RouteLeg(
            venue=self.id,
            pool="raydium:SOL-USDC",
            token_in=swap.token_in.mint,
            token_out=swap.token_out.mint,
            amount_in=swap.amount_in,
            amount_out=self.amount_out,
            fee=1,
            share_bps=10_000 // self.legs,
        )
        return Quote(
            venue=self.id,
            amount_in=swap.amount_in,
            amount_out=self.amount_out,
            fee=1,
            price=Decimal(150),
            price_impact_bps=self.impact,
            route=(leg,) * self.legs,
        )

    async def build(
        self, quote: Quote, *, min_amount_out: int, memo: str, nonce: int
    ) -> SignedTransaction:
        assert self.ledger is not None
        self.built += 1
        leg = quote.route[0]
        return sign(
            SwapTransaction(
                venue=self.id,
                token_in=leg.token_in,
                amount_in=leg.amount_in,
                hops=(Hop(leg.token_out, (PoolShare(leg.pool, 1),)),),
                min_amount_out=min_amount_out,
                memo=memo,
                nonce=nonce,
                last_valid_slot=await self.ledger.slot() + 150,
            )
        )

    async def submit(self, transaction: SignedTransaction) -> None:
        assert self.ledger is not None
        self.submitted += 1
        if self.submit_errors:
            raise self.submit_errors.pop(0)
        await self.ledger.submit(transaction)

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        assert self.ledger is not None
        return await self.ledger.statuses(signatures)


def unavailable(venue: str = "scripted") -> EngineError:
    """What a venue raises that does not answer."""
    return EngineError(ErrorCode.VENUE_UNAVAILABLE, "It does not answer.", venue=venue)


def rejected(venue: str = "scripted") -> EngineError:
    """What a venue raises that refuses for good."""
    return EngineError(ErrorCode.VENUE_REJECTED, "It refuses.", venue=venue)
