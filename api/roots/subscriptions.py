"""The subscriptions."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from api.graphql.context import Info, Services
from api.graphql.errors import InvalidArgument
from api.graphql.inputs import OrderFilter, QuoteInput
from api.graphql.order_types import OrderEvent
from api.graphql.types import Quote
from api.market.quoting import ask_venues, read_quote, show_quote
from api.orders.history import is_wanted, order_filter
from api.roots.queries import parse_order_id
from api.streams.event_feed import TooSlow
from api.streams.live_price import with_best_prices
from engine.errors import EngineError, ErrorCode
from engine.orders.request import OrderRequest
from engine.swaps.paths import pools_on_the_way
from engine.venues.routing import BestRoute
from models.orders.tables import Order

_EVENTS_AT_ONCE = 100


@strawberry.type(description="Everything that can be followed.")
class Subscription:
    @strawberry.subscription(
        description="Every event of the order after sequence `after` (all of them by default), "
        "then live; completes after the terminal one."
    )
    async def order_status(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
        after: Annotated[
            int | None,
            strawberry.argument(description="The last sequence already seen: resumes without gap."),
        ] = 0,
    ) -> AsyncGenerator[OrderEvent, None]:
        services = info.context.services
        seen = after or 0
        id = parse_order_id(order_id)
        order = None if id is None else await services.orders.get(id)
        if order is None:
            raise InvalidArgument("There is no order of this id.")
        if not 0 <= seen <= order.sequence:
            raise InvalidArgument(f"`after` is 0 to {order.sequence}, the order's last sequence.")
        # All was seen: an end at once, rather than a wait for what never comes.
        if order.is_terminal and seen == order.sequence:
            return
        async with (
            aclosing(services.hub.follow(order.id, seen)) as events,
            aclosing(with_best_prices(events, order, services)) as shown,
        ):
            async for event, is_stored in shown:
                order = await _with_its_tokens(order, services)
                yield OrderEvent.from_engine(event, order, info, is_live=not is_stored)

    @strawberry.subscription(
        description="Events of all orders as they happen. A reader that falls behind is brought up "
        "to the newest event of each order; an order's events never come out of order."
    )
    async def order_events(
        self,
        info: Info,
        filter: Annotated[
            OrderFilter | None, strawberry.argument(description="Which orders; all by default.")
        ] = None,
    ) -> AsyncGenerator[OrderEvent, None]:
        services = info.context.services
        wanted = await order_filter(filter, services)
        with services.hub.feed.read() as reader:
            while True:
                try:
                    events = await reader.take(_EVENTS_AT_ONCE)
                except TooSlow:
                    raise InvalidArgument(
                        "Too slow a reader; subscribe again.", code=ErrorCode.OVERLOADED
                    ) from None
                orders = await services.orders.get_many([event.order_id for event in events])
                for event in events:
                    order = orders[event.order_id]
                    if is_wanted(event.status, order, wanted):
                        yield OrderEvent.from_engine(event, order, info)

    @strawberry.subscription(
        description="A quote, and a fresh one whenever a pool it may go through has changed it, at "
        "most every `minIntervalMs`."
    )
    async def quotes(
        self,
        info: Info,
        input: Annotated[QuoteInput, strawberry.argument(description="The swap.")],
        min_interval_ms: Annotated[
            int | None,
            strawberry.argument(description="The least time between two quotes, 100 to 60000."),
        ] = 400,
    ) -> AsyncGenerator[Quote, None]:
        services = info.context.services
        interval_ms = 400 if min_interval_ms is None else min_interval_ms
        if not 100 <= interval_ms <= 60_000:
            raise InvalidArgument("`minIntervalMs` is 100 to 60000.")
        try:
            asked = await read_quote(input, services)
            services.pool_feed.require_room()
        except EngineError as error:
            raise InvalidArgument(str(error), code=error.code) from None
        poll_seconds = services.settings.stream_poll_interval_ms / 1000
        shown = None
        with services.pool_feed.watch() as watch:
            while True:
                # Before the look: what changes during it is looked at again.
                watch.forget()
                next_at = time.monotonic() + interval_ms / 1000
                best = await _best_or_none(asked, services)
                if best is not None and shown != (best.quote.amount_out, best.quote.route):
                    shown = (best.quote.amount_out, best.quote.route)
                    yield show_quote(best, asked, info)
                await asyncio.sleep(max(0.0, next_at - time.monotonic()))
                book = await services.ledger.book()
                pools = pools_on_the_way(asked.swap.token_in, asked.swap.token_out, book)
                await watch.change(pools, timeout_seconds=poll_seconds)


async def _with_its_tokens(order: Order, services: Services) -> Order:
    """Return the order, read again where its token was unknown when the stream began."""
    if order.launched_tokens is not None or order.token_out in services.pools.known:
        return order
    return await services.orders.get(order.id) or order


async def _best_or_none(asked: OrderRequest, services: Services) -> BestRoute | None:
    try:
        return await ask_venues(asked, services)
    except EngineError:
        return None  # no venue answers just now: the stream goes on when one does
