"""The mutations."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.errors import or_overloaded
from api.graphql.inputs import (
    ExecuteMarketOrderInput,
    LaunchPoolInput,
    OrderFilter,
    PlaceLimitOrderInput,
    PlaceSniperOrderInput,
)
from api.graphql.order_types import OrderPayload
from api.graphql.pool_types import LaunchPoolPayload
from api.market.launching import launch, not_launched
from api.orders.canceling import cancel, cancel_all
from api.orders.placing import place, place_all, refused


@strawberry.type(description="Everything that changes something.")
class Mutation:
    @strawberry.mutation(
        description="Swap at once at the best quote of all venues. The order is durable when this "
        "returns; follow it with orderStatus."
    )
    async def execute_market_order(
        self,
        info: Info,
        input: Annotated[ExecuteMarketOrderInput, strawberry.argument(description="The order.")],
    ) -> OrderPayload:
        return await or_overloaded(place(input, info), refused)

    @strawberry.mutation(
        description="1 to 100 market orders at once, each with its own payload, refusals and "
        "idempotency, in the order of the inputs; cheaper than one by one."
    )
    async def execute_market_orders(
        self,
        info: Info,
        inputs: Annotated[
            list[ExecuteMarketOrderInput], strawberry.argument(description="The orders.")
        ],
    ) -> list[OrderPayload]:
        return await place_all(inputs, info)

    @strawberry.mutation(
        description="Swap once the whole amount gets at least the limit price, and never below it."
    )
    async def place_limit_order(
        self,
        info: Info,
        input: Annotated[PlaceLimitOrderInput, strawberry.argument(description="The order.")],
    ) -> OrderPayload:
        return await or_overloaded(place(input, info), refused)

    @strawberry.mutation(
        description="Buy a token as soon as a pool for it exists with enough liquidity."
    )
    async def place_sniper_order(
        self,
        info: Info,
        input: Annotated[PlaceSniperOrderInput, strawberry.argument(description="The order.")],
    ) -> OrderPayload:
        return await or_overloaded(place(input, info), refused)

    @strawberry.mutation(
        description="Cancel an order of which nothing has been sent. Once it is SUBMITTED the "
        "answer is ORDER_NOT_CANCELABLE, with the order; canceling a CANCELED one succeeds."
    )
    async def cancel_order(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
    ) -> OrderPayload:
        return await or_overloaded(cancel(order_id, info), refused)

    @strawberry.mutation(
        description="Cancel many at once: those of 1 to 100 ids, or the newest 100 that a filter "
        "finds and of which nothing has been sent. Each has its own payload."
    )
    async def cancel_orders(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="The orders' ids.")
        ] = None,
        filter: Annotated[
            OrderFilter | None, strawberry.argument(description="Or which of those not sent.")
        ] = None,
    ) -> list[OrderPayload]:
        return await cancel_all(ids, filter, info)

    @strawberry.mutation(
        description="Simulated venues only: a token goes live, which sniper orders wait for."
    )
    async def launch_pool(
        self,
        info: Info,
        input: Annotated[LaunchPoolInput, strawberry.argument(description="Token and pool.")],
    ) -> LaunchPoolPayload:
        return await or_overloaded(launch(input, info), not_launched)
