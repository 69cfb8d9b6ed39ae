"""GraphQL types of orders, their events, and pages of them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.scalars import DecimalText, atoms, decimal
from api.graphql.types import Failure, Node, RouteLeg, Token, UserError, Venue, VenueQuote, legs
from engine import tokens
from engine.orders import event as order_event
from engine.orders.status import OrderStatus, OrderType
from models.orders import tables as models


def _atoms(value: int | None, token: tokens.Token) -> DecimalText | None:
    return None if value is None else atoms(value, token)


def _decimal(value: Decimal | None) -> DecimalText | None:
    return None if value is None else decimal(value)


@strawberry.type(description="One step in an order's life.")
class OrderEvent:
    order_id: strawberry.ID = strawberry.field(description="Whose step this is.")
    sequence: int = strawberry.field(
        description="1, 2, 3 … per order, without gap; a replay is identical."
    )
    status: OrderStatus = strawberry.field(description="The status reached.")
    previous_status: OrderStatus | None = strawberry.field(description="The status left.")
    attempt: int = strawberry.field(description="The attempt this belongs to; 0 before the first.")
    occurred_at: datetime = strawberry.field(description="When it became durable.")
    quotes: list[VenueQuote] = strawberry.field(description="The venues' answers, best first.")
    route: list[RouteLeg] = strawberry.field(description="The route chosen.")
    venue: Venue | None = strawberry.field(description="The venue chosen.")
    quoted_price: DecimalText | None = strawberry.field(description="The price chosen.")
    best_price: DecimalText | None = strawberry.field(
        description="The best executable price while a limit order waits."
    )
    tx_signature: str | None = strawberry.field(description="The transaction of this attempt.")
    executed_price: DecimalText | None = strawberry.field(description="amountOut / amountIn.")
    amount_out: DecimalText | None = strawberry.field(description="What the swap returned.")
    failure: Failure | None = strawberry.field(description="Why the attempt or order failed.")
    is_live: bool = strawberry.field(
        description="Whether this is no step but the best price of the moment: it repeats the last "
        "sequence and is not stored."
    )

    @strawberry.field(description="The order as it stands now.")
    async def order(self, info: Info) -> "Order":
        return Order.from_model(await info.context.order(UUID(self.order_id)), info)

    @classmethod
    def from_engine(
        cls,
        event: order_event.OrderEvent,
        order: models.Order,
        info: Info,
        *,
        is_live: bool = False,
    ) -> Self:
        known = info.context.tokens_of(order)
        paid, bought = known.of_mint(order.token_in), known.of_mint(order.token_out)
        return cls(
            order_id=strawberry.ID(str(event.order_id)),
            sequence=event.sequence,
            status=event.status,
            previous_status=event.previous_status,
            attempt=event.attempt,
            occurred_at=event.occurred_at,
            quotes=[VenueQuote.from_engine(q, paid, bought, info) for q in event.quotes],
            route=legs(event.route, known, info),
            venue=Venue.from_id(event.venue, info),
            quoted_price=_decimal(event.quoted_price),
            best_price=_decimal(event.best_price),
            tx_signature=event.tx_signature,
            executed_price=_decimal(event.executed_price),
            amount_out=_atoms(event.amount_out, bought),
            failure=Failure.from_engine(event.failure, info),
            is_live=is_live,
        )


@strawberry.type(description="A swap order: what was asked, where it stands, what came of it.")
class Order(Node):
    client_order_id: str = strawberry.field(description="The client's own id, unique to it.")
    type: OrderType = strawberry.field(description="What makes it execute.")
    status: OrderStatus = strawberry.field(description="Where it stands.")
    is_terminal: bool = strawberry.field(description="Whether nothing will change any more.")
    token_in: Token = strawberry.field(description="The token paid.")
    token_out: Token = strawberry.field(description="The token bought.")
    amount_in: DecimalText = strawberry.field(description="What is paid, whole units.")
    slippage_bps: int = strawberry.field(description="How far below the quote a fill may be.")
    min_amount_out: DecimalText | None = strawberry.field(
        description="The least a fill may return; known once quoted, never lowered."
    )
    limit_price: DecimalText | None = strawberry.field(
        description="Limit orders: the least tokenOut per tokenIn."
    )
    max_price: DecimalText | None = strawberry.field(
        description="Sniper orders: the most tokenIn per tokenOut."
    )
    min_liquidity: DecimalText | None = strawberry.field(
        description="Sniper orders: what the pool must hold, in whole units of tokenIn."
    )
    expires_at: datetime | None = strawberry.field(description="When it ends if not sent by then.")
    venue: Venue | None = strawberry.field(description="The venue of the present attempt.")
    route: list[RouteLeg] = strawberry.field(description="The route of the present attempt.")
    quoted_price: DecimalText | None = strawberry.field(description="The price quoted for it.")
    executed_price: DecimalText | None = strawberry.field(
        description="Units of tokenOut per one tokenIn, as executed."
    )
    amount_out: DecimalText | None = strawberry.field(description="What the swap returned.")
    fee: DecimalText | None = strawberry.field(description="Fee taken, whole units of tokenIn.")
    tx_signature: str | None = strawberry.field(description="The transaction's signature.")
    slot: int | None = strawberry.field(description="The slot the swap landed in.")
    attempts: int = strawberry.field(description="How many attempts were begun.")
    failure: Failure | None = strawberry.field(description="Why it failed, or is tried again.")
    sequence: int = strawberry.field(description="Number of the last event.")
    created_at: datetime = strawberry.field(description="When it was accepted.")
    updated_at: datetime = strawberry.field(description="When its last event happened.")
    completed_at: datetime | None = strawberry.field(description="When it ended.")

    _order: strawberry.Private[models.Order]

    @strawberry.field(description="Every step so far, first to last.")
    async def events(self, info: Info) -> list[OrderEvent]:
        events = await info.context.events(UUID(self.id))
        return [OrderEvent.from_engine(event, self._order, info) for event in events]

    @classmethod
    def from_model(cls, order: models.Order, info: Info) -> Self:
        known = info.context.tokens_of(order)
        paid, bought = known.of_mint(order.token_in), known.of_mint(order.token_out)
        return cls(
            _order=order,
            id=strawberry.ID(str(order.id)),
            client_order_id=order.client_order_id,
            type=order.type,
            status=order.status,
            is_terminal=order.is_terminal,
            token_in=Token.from_engine(paid),
            token_out=Token.from_engine(bought),
            amount_in=atoms(order.amount_in, paid),
            slippage_bps=order.slippage_bps,
            min_amount_out=_atoms(order.min_amount_out, bought),
            limit_price=_decimal(order.limit_price),
            max_price=_decimal(order.max_price),
            min_liquidity=_atoms(order.min_liquidity, paid),
            expires_at=order.expires_at,
            venue=Venue.from_id(order.venue, info),
            route=legs(order.route, known, info),
            quoted_price=_decimal(order.quoted_price),
            executed_price=_decimal(order.executed_price),
            amount_out=_atoms(order.amount_out, bought),
            fee=_atoms(order.fee, paid),
            tx_signature=order.tx_signature,
            slot=order.slot,
            attempts=order.attempts,
            failure=Failure.from_engine(order.failure, info),
            sequence=order.sequence,
            created_at=order.created_at,
            updated_at=order.updated_at,
            completed_at=order.completed_at,
        )


@strawberry.type(description="What became of a request to place or change an order.")
class OrderPayload:
    order: Order | None = strawberry.field(
        description="The order; with IDEMPOTENCY_CONFLICT the one that has the id already."
    )
    replayed: bool = strawberry.field(
        description="Whether the same request was accepted before, and did nothing now."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="An order in a page, with its place.")
class OrderEdge:
    cursor: str = strawberry.field(description="The place, for `after` and `before`.")
    node: Order = strawberry.field(description="The order.")


@strawberry.type(description="Whether and where there is more.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="More orders after the last edge.")
    has_previous_page: bool = strawberry.field(description="More orders before the first edge.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor.")
    end_cursor: str | None = strawberry.field(description="The last edge's cursor.")


@strawberry.type(description="A page of the order history.")
class OrderConnection:
    edges: list[OrderEdge] = strawberry.field(description="The orders with their places.")
    nodes: list[Order] = strawberry.field(description="The orders alone.")
    page_info: PageInfo = strawberry.field(description="Whether and where there is more.")
    _count: strawberry.Private[Callable[[], Awaitable[int | None]]]

    @strawberry.field(
        description="How many orders hold to the filter, pages aside; null for more than 10000, "
        "which are not counted."
    )
    async def total_count(self) -> int | None:
        return await self._count()
