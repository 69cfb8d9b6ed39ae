"""The queries."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from api.context import ACCOUNT, Info
from api.history import PAGE_SIZE, order_filter, order_history
from api.inputs import OrderFilter, QuoteInput
from api.order_types import Order, OrderConnection
from api.types import Quote, QuotePayload, Token, UserError, Venue
from engine.amounts import min_amount_out
from engine.errors import EngineError
from engine.market_order import (
    require_client_order_id,
    validate_market_order,
    validate_swap,
)
from engine.routing import best_route
from engine.tokens import TOKENS


def parse_order_id(id: str) -> UUID | None:
    """Return an order id, None where the text is none."""
    try:
        return UUID(id)
    except ValueError:
        return None


@strawberry.type(description="Everything that can be read.")
class Query:
    @strawberry.field(description="An order by its id; null where there is none.")
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
    ) -> Order | None:
        order_id = parse_order_id(id)
        found = None if order_id is None else await info.context.services.orders.get(order_id)
        return None if found is None else Order.from_model(found, info)

    @strawberry.field(description="An order by the id its client gave it; null for none.")
    async def order_by_client_order_id(
        self,
        info: Info,
        client_order_id: Annotated[
            str, strawberry.argument(description="The id given when the order was placed.")
        ],
    ) -> Order | None:
        try:
            id = require_client_order_id(client_order_id)
        except EngineError:
            return None
        found = await info.context.services.orders.by_client_order_id(ACCOUNT, id)
        return None if found is None else Order.from_model(found, info)

    @strawberry.field(description="Order history, newest first; keyset pages of at most 100.")
    async def orders(
        self,
        info: Info,
        filter: Annotated[
            OrderFilter | None, strawberry.argument(description="Which orders; all by default.")
        ] = None,
        first: Annotated[
            int | None, strawberry.argument(description="How many from the newest, 0 to 100.")
        ] = PAGE_SIZE,
        after: Annotated[
            str | None, strawberry.argument(description="Only orders after this cursor.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many from the oldest, 0 to 100.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="Only orders before this cursor.")
        ] = None,
    ) -> OrderConnection:
        return await order_history(
            info, order_filter(filter), first=first, after=after, last=last, before=before
        )

    @strawberry.field(description="What a swap would give now, with every venue's answer.")
    async def quote(
        self,
        info: Info,
        input: Annotated[QuoteInput, strawberry.argument(description="The swap.")],
    ) -> QuotePayload:
        services = info.context.services
        try:
            swap = validate_swap(
                token_in=input.token_in,
                token_out=input.token_out,
                amount=input.amount,
                venue_ids=input.venues,
                max_price_impact_bps=None,
                venues=services.venues,
            )
            asked = validate_market_order(
                swap, slippage_bps=input.slippage_bps, min_amount_out=None
            )
            best = await best_route(
                swap, services.venues, deadline_ms=services.settings.quote_timeout_ms
            )
        except EngineError as error:
            return QuotePayload(quote=None, user_errors=[UserError.from_engine(error)])
        floor = min_amount_out(best.quote.amount_out, asked.slippage_bps)
        quote = Quote.from_engine(best, swap, floor, datetime.now(UTC), info)
        return QuotePayload(quote=quote, user_errors=[])

    @strawberry.field(description="The tokens that can be traded.")
    def tokens(self) -> list[Token]:
        return [Token.from_engine(token) for token in TOKENS]

    @strawberry.field(description="The venues orders are routed to.")
    def venues(self, info: Info) -> list[Venue]:
        return [Venue.from_engine(venue) for venue in info.context.services.venues]
