"""GraphQL types of tokens, venues, quotes and errors; each is built by its own from_…."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry

from api.graphql.context import Info
from api.graphql.errors import RETRY_AFTER_MS
from api.graphql.scalars import DecimalText, atoms, decimal
from engine import errors, tokens
from engine.errors import EngineError, ErrorCode, RetryClass
from engine.swaps import swap
from engine.venues import venue as venues
from engine.venues.routing import BestRoute


@strawberry.interface(description="Anything with a globally unique id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Unique for ever.")


@strawberry.type(description="A token of the devnet. Its id is its mint.")
class Token(Node):
    mint: str = strawberry.field(description="The token's address on Solana.")
    symbol: str = strawberry.field(description="The ticker, e.g. SOL.")
    name: str = strawberry.field(description="The name people know it by.")
    decimals: int = strawberry.field(description="One whole unit is 10^decimals atoms.")

    @classmethod
    def from_engine(cls, token: tokens.Token) -> Self:
        return cls(
            id=strawberry.ID(token.mint),
            mint=token.mint,
            symbol=token.symbol,
            name=token.name,
            decimals=token.decimals,
        )


@strawberry.type(
    description="A place where swaps happen. Its id is a short stable name, e.g. raydium."
)
class Venue(Node):
    name: str = strawberry.field(description="The name people know it by.")
    simulated: bool = strawberry.field(description="Whether nothing of value moves here.")
    _venue: strawberry.Private[venues.Venue | None] = None

    @strawberry.field(description="Whether it would answer a quote now.")
    async def healthy(self) -> bool:
        return self._venue is not None and await self._venue.healthy()

    @classmethod
    def from_engine(cls, venue: venues.Venue) -> Self:
        return cls(
            id=strawberry.ID(venue.id), name=venue.name, simulated=venue.simulated, _venue=venue
        )

    @classmethod
    def from_id(cls, id: str | None, info: Info) -> Self | None:
        """Return the venue of an id in the history, even of one not plugged in any more."""
        if id is None:
            return None
        known = info.context.services.find_venue(id)
        if known is not None:
            return cls.from_engine(known)
        return cls(id=strawberry.ID(id), name=id, simulated=False)


@strawberry.type(description="Why a step did not succeed.")
class Failure:
    code: ErrorCode = strawberry.field(description="The reason, for programs.")
    message: str = strawberry.field(description="The reason, for people.")
    retry_class: RetryClass = strawberry.field(description="What can be done about it.")
    venue: Venue | None = strawberry.field(description="Where it failed, if at one venue.")

    @classmethod
    def from_engine(cls, failure: errors.Failure | None, info: Info) -> Self | None:
        if failure is None:
            return None
        return cls(
            code=failure.code,
            message=failure.message,
            retry_class=failure.retry_class,
            venue=Venue.from_id(failure.venue, info),
        )


@strawberry.type(description="One pool's part of a fill.")
class RouteLeg:
    venue: Venue = strawberry.field(description="The pool's venue.")
    pool: strawberry.ID = strawberry.field(description="The pool's id.")
    amount_in: DecimalText = strawberry.field(description="What goes in, whole units.")
    amount_out: DecimalText = strawberry.field(description="What comes out, whole units.")
    fee: DecimalText = strawberry.field(description="The fee, whole units of what goes in.")
    share_bps: int = strawberry.field(description="This leg's part of the order in bps.")

    @classmethod
    def from_engine(cls, leg: swap.RouteLeg, known: tokens.TokenList, info: Info) -> Self:
        paid, bought = known.of_mint(leg.token_in), known.of_mint(leg.token_out)
        venue = Venue.from_id(leg.venue, info)
        assert venue is not None
        return cls(
            venue=venue,
            pool=strawberry.ID(leg.pool),
            amount_in=atoms(leg.amount_in, paid),
            amount_out=atoms(leg.amount_out, bought),
            fee=atoms(leg.fee, paid),
            share_bps=leg.share_bps,
        )


@strawberry.type(description="What one venue answered: an amount, or why it did not.")
class VenueQuote:
    venue: Venue = strawberry.field(description="The venue asked.")
    amount_out: DecimalText | None = strawberry.field(
        description="Whole units of tokenOut, fees taken."
    )
    price: DecimalText | None = strawberry.field(description="tokenOut per tokenIn.")
    price_impact_bps: DecimalText | None = strawberry.field(
        description="How far the trade moves its own price, without fees and rounding."
    )
    fee: DecimalText | None = strawberry.field(description="Whole units of tokenIn.")
    latency_ms: int = strawberry.field(description="How long the answer took.")
    failure: Failure | None = strawberry.field(description="Why there is no amount.")

    @classmethod
    def from_engine(
        cls, quote: swap.VenueQuote, paid: tokens.Token, bought: tokens.Token, info: Info
    ) -> Self:
        venue = Venue.from_id(quote.venue, info)
        assert venue is not None
        impact = quote.price_impact_bps
        return cls(
            venue=venue,
            amount_out=None if quote.amount_out is None else atoms(quote.amount_out, bought),
            price=None if quote.price is None else decimal(quote.price),
            price_impact_bps=None if impact is None else decimal(impact),
            fee=None if quote.fee is None else atoms(quote.fee, paid),
            latency_ms=quote.latency_ms,
            failure=Failure.from_engine(quote.failure, info),
        )


@strawberry.type(description="What a swap would give now.")
class Quote:
    amount_in: DecimalText = strawberry.field(description="Whole units of tokenIn.")
    amount_out: DecimalText = strawberry.field(description="Whole units of tokenOut, fees taken.")
    min_amount_out: DecimalText = strawberry.field(
        description="The least a fill may return at the asked slippage."
    )
    price: DecimalText = strawberry.field(description="tokenOut per tokenIn, fees taken.")
    price_impact_bps: DecimalText = strawberry.field(
        description="How far the trade moves its own price, without fees and rounding."
    )
    route: list[RouteLeg] = strawberry.field(description="The pools the swap would go through.")
    compared: list[VenueQuote] = strawberry.field(description="Every venue asked, best first.")
    quoted_at: datetime = strawberry.field(description="When the venues answered.")

    @classmethod
    def from_engine(
        cls, best: BestRoute, asked: swap.Swap, floor: int, quoted_at: datetime, info: Info
    ) -> Self:
        paid, bought, quote = asked.token_in, asked.token_out, best.quote
        return cls(
            amount_in=atoms(quote.amount_in, paid),
            amount_out=atoms(quote.amount_out, bought),
            min_amount_out=atoms(floor, bought),
            price=decimal(quote.price),
            price_impact_bps=decimal(quote.price_impact_bps),
            route=legs(quote.route, info.context.services.pools.known, info),
            compared=[VenueQuote.from_engine(q, paid, bought, info) for q in best.compared],
            quoted_at=quoted_at,
        )


@strawberry.type(description="A refusal. Server faults stay in the top-level errors.")
class UserError:
    code: ErrorCode = strawberry.field(description="The reason, for programs.")
    message: str = strawberry.field(description="The reason, for people.")
    field: list[str] | None = strawberry.field(description="Path of the input at fault.")
    retry_class: RetryClass = strawberry.field(description="What can be done about it.")
    retry_after_ms: int | None = strawberry.field(description="When to come back, if at all.")

    @classmethod
    def from_engine(cls, error: EngineError) -> Self:
        return cls(
            code=error.code,
            message=str(error),
            field=list(error.field) if error.field else None,
            retry_class=error.retry_class,
            retry_after_ms=RETRY_AFTER_MS if error.code is ErrorCode.OVERLOADED else None,
        )


@strawberry.type(description="A quote, or why there is none.")
class QuotePayload:
    quote: Quote | None = strawberry.field(description="The best route now.")
    user_errors: list[UserError] = strawberry.field(description="Why there is no quote.")


def legs(
    route: Sequence[swap.RouteLeg] | None, known: tokens.TokenList, info: Info
) -> list[RouteLeg]:
    """Return a stored route as the API shows it."""
    return [RouteLeg.from_engine(leg, known, info) for leg in route or ()]
