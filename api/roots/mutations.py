"""The mutations."""

from datetime import UTC, datetime
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
from api.orders.placing import asked_faults, place, refused
from engine.orders.limit import validate_limit_order
from engine.orders.market import validate_market_order, validate_swap
from engine.orders.request import OrderRequest
from engine.orders.sniper import validate_sniper_order


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
        services = info.context.services

        def validate() -> OrderRequest:
            swap = validate_swap(
                token_in=input.token_in,
                token_out=input.token_out,
                amount=input.amount,
                venue_ids=input.venues,
                max_price_impact_bps=input.max_price_impact_bps,
                allow_split=input.allow_split,
                venues=services.venues,
            )
            return validate_market_order(
                swap,
                slippage_bps=input.slippage_bps,
                min_amount_out=input.min_amount_out,
                simulation=asked_faults(input.simulate, swap.venues, services),
            )

        return await or_overloaded(place(input.client_order_id, validate, info), refused)

    @strawberry.mutation(
        description="Swap once the whole amount gets at least the limit price, and never below it."
    )
    async def place_limit_order(
        self,
        info: Info,
        input: Annotated[PlaceLimitOrderInput, strawberry.argument(description="The order.")],
    ) -> OrderPayload:
        services = info.context.services

        def validate() -> OrderRequest:
            swap = validate_swap(
                token_in=input.token_in,
                token_out=input.token_out,
                amount=input.amount,
                venue_ids=input.venues,
                max_price_impact_bps=None,
                allow_split=input.allow_split,
                venues=services.venues,
            )
            return validate_limit_order(
                swap,
                limit_price=input.limit_price,
                expires_at=input.expires_at,
                now=datetime.now(UTC),
                simulation=asked_faults(input.simulate, swap.venues, services),
            )

        return await or_overloaded(place(input.client_order_id, validate, info), refused)

    @strawberry.mutation(
        description="Buy a token as soon as a pool for it exists with enough liquidity."
    )
    async def place_sniper_order(
        self,
        info: Info,
        input: Annotated[PlaceSniperOrderInput, strawberry.argument(description="The order.")],
    ) -> OrderPayload:
        services = info.context.services

        def validate() -> OrderRequest:
            return validate_sniper_order(
                token_in=input.token_in,
                token_out=input.token_out,
                amount=input.amount,
                max_price=input.max_price,
                min_liquidity=input.min_liquidity,
                slippage_bps=input.slippage_bps,
                expires_at=input.expires_at,
                now=datetime.now(UTC),
                venue_ids=input.venues,
                venues=services.venues,
                simulation=asked_faults(input.simulate, input.venues or (), services),
            )

        return await or_overloaded(place(input.client_order_id, validate, info), refused)

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
