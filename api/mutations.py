"""The mutations."""

from typing import Annotated
from uuid import UUID

import strawberry
from uuid_utils.compat import uuid7

from api.context import ACCOUNT, Info, Services
from api.inputs import ExecuteMarketOrderInput
from api.order_types import Order, OrderPayload
from api.types import UserError
from engine.errors import EngineError, ErrorCode
from engine.logs import get_logger
from engine.market_order import (
    MarketOrder,
    require_client_order_id,
    require_route,
    require_simulated,
    validate_market_order,
    validate_swap,
)
from engine.order_event import OrderEvent
from engine.order_status import OrderType
from engine.simulation import NO_FAULTS
from models import order as models
from models.step import NewOrder
from tasks.route_order import route_order

_RETRY_AFTER_MS = 1_000

log = get_logger(__name__)


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
        try:
            id = uuid7()
            client_order_id = require_client_order_id(
                str(id) if input.client_order_id is None else input.client_order_id
            )
            asked = _market_order(input, services)
            _require_capacity(services)
            await require_route(asked.swap, services.venues)
        except EngineError as error:
            return _refused(error)
        new = _new_order(id, client_order_id, asked, info.context.request_id)
        order, is_new = await services.orders.accept(new, lease_ms=services.settings.step_lease_ms)
        if not is_new and order.request_digest != new.request_digest:
            return _conflict(order, info)
        if is_new:
            await _announce(order, services)
        return OrderPayload(
            order=Order.from_model(order, info), replayed=not is_new, user_errors=[]
        )


def _market_order(input: ExecuteMarketOrderInput, services: Services) -> MarketOrder:
    swap = validate_swap(
        token_in=input.token_in,
        token_out=input.token_out,
        amount=input.amount,
        venue_ids=input.venues,
        max_price_impact_bps=input.max_price_impact_bps,
        allow_split=input.allow_split,
        venues=services.venues,
    )
    simulation = input.simulate.to_engine() if input.simulate else NO_FAULTS
    if simulation != NO_FAULTS:
        require_simulated(swap, services.venues)
    return validate_market_order(
        swap,
        slippage_bps=input.slippage_bps,
        min_amount_out=input.min_amount_out,
        simulation=simulation,
    )


def _require_capacity(services: Services) -> None:
    most = services.settings.max_orders_in_progress
    if services.orders_in_progress >= most:
        raise EngineError(
            ErrorCode.OVERLOADED, "Too many orders are in progress.", context={"most": most}
        )


def _new_order(id: UUID, client_order_id: str, asked: MarketOrder, request_id: str) -> NewOrder:
    swap = asked.swap
    return NewOrder(
        id=id,
        account=ACCOUNT,
        client_order_id=client_order_id,
        request_digest=asked.digest,
        request_id=request_id,
        type=OrderType.MARKET,
        token_in=swap.token_in.mint,
        token_out=swap.token_out.mint,
        amount_in=swap.amount_in,
        slippage_bps=asked.slippage_bps,
        min_amount_out=asked.min_amount_out,
        max_price_impact_bps=swap.max_price_impact_bps,
        venues=swap.venues,
        allow_split=swap.allow_split,
        simulation=None if asked.simulation == NO_FAULTS else asked.simulation,
    )


async def _announce(order: models.Order, services: Services) -> None:
    """Hand a stored order to the workers and tell its followers; either may fail harmlessly."""
    services.sender.send(route_order.message(str(order.id)))
    first = OrderEvent(
        order_id=order.id,
        sequence=order.sequence,
        status=order.status,
        previous_status=None,
        attempt=order.attempts,
        occurred_at=order.created_at,
    )
    await services.updates.publish([first])
    log.info("order.accepted", order_id=str(order.id), attempt=0)


def _refused(error: EngineError) -> OrderPayload:
    later = _RETRY_AFTER_MS if error.code is ErrorCode.OVERLOADED else None
    return OrderPayload(
        order=None,
        replayed=False,
        user_errors=[UserError.from_engine(error, retry_after_ms=later)],
    )


def _conflict(order: models.Order, info: Info) -> OrderPayload:
    error = EngineError(
        ErrorCode.IDEMPOTENCY_CONFLICT,
        "This clientOrderId belongs to an order with other input.",
        field=("input", "clientOrderId"),
    )
    return OrderPayload(
        order=Order.from_model(order, info),
        replayed=False,
        user_errors=[UserError.from_engine(error)],
    )
