"""The subscriptions."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from api.context import Info
from api.errors import InvalidArgument
from api.order_types import OrderEvent
from api.queries import parse_order_id
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
