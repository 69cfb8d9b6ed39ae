"""The mutations."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.errors import or_overloaded
from api.graphql.inputs import (
    ExecuteMarketOrderInput,
    LaunchPoolInput,
    PlaceLimitOrderInput,
    PlaceSniperOrderInput,
)
from api.graphql.order_types import OrderPayload
from api.graphql.pool_types import LaunchPoolPayload
from api.market.launching import launch, not_launched
from api.orders.canceling import cancel
from api.orders.placing import place, refused


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
        description="Simulated venues only: a token goes live, which sniper orders wait for."
    )
    async def launch_pool(
        self,
        info: Info,
        input: Annotated[LaunchPoolInput, strawberry.argument(description="Token and pool.")],
    ) -> LaunchPoolPayload:
        return await or_overloaded(launch(input, info), not_launched)
