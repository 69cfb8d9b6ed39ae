"""The subscriptions."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from api.context import Info, Services
from api.errors import InvalidArgument
from api.inputs import QuoteInput
from api.order_types import OrderEvent
from api.queries import parse_order_id
from api.quoting import ask_venues, show_quote, validate_quote
from api.types import Quote
from engine.errors import EngineError
from engine.market_order import MarketOrder
from engine.paths import pools_on_the_way
from engine.routing import BestRoute
from engine.tokens import find_token


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
        if order.is_terminal and seen == order.sequence:
            return
        paid, bought = find_token(order.token_in), find_token(order.token_out)
        async with aclosing(services.hub.follow(order.id, seen)) as events:
            async for event in events:
                yield OrderEvent.from_engine(event, paid, bought, info)

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
            asked = await validate_quote(input, services)
        except EngineError as error:
            raise InvalidArgument(str(error), code=error.code) from None
        poll_seconds = services.settings.stream_poll_interval_ms / 1000
        shown = None
        with services.pool_feed.watch() as watch:
            while True:
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


async def _best_or_none(asked: MarketOrder, services: Services) -> BestRoute | None:
    try:
        return await ask_venues(asked, services)
    except EngineError:
        return None  # no venue answers just now: the stream goes on when one does
