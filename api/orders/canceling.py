"""Cancel an order: one compare-and-set against whoever works on it."""

from uuid import UUID

from api.graphql.context import Info
from api.graphql.order_types import Order, OrderPayload
from api.orders.placing import refused
from engine.errors import EngineError, ErrorCode
from engine.orders.status import NOT_SENT, OrderStatus
from models.orders.tables import Order as StoredOrder


async def cancel(order_id: str, info: Info) -> OrderPayload:
    """Cancel, or say why not: ORDER_NOT_FOUND, ORDER_NOT_CANCELABLE.

    A step that comes in between moves the order on, so the next try sees it one step further:
    there are only so many before it is sent or waits.
    """
    services = info.context.services
    order = await _find(order_id, info)
    while order is not None and order.status in NOT_SENT:
        canceled = await services.door.advance(order.step_to(OrderStatus.CANCELED))
        if canceled is not None:
            order = canceled
            break
        order = await services.orders.get(order.id)
    if order is None:
        return refused(EngineError(ErrorCode.ORDER_NOT_FOUND, "There is no order of this id."))
    if order.status is OrderStatus.CANCELED:
        return OrderPayload(order=Order.from_model(order, info), replayed=False, user_errors=[])
    return refused(
        EngineError(
            ErrorCode.ORDER_NOT_CANCELABLE,
            f"The order is {order.status}: it can no longer be canceled.",
        ),
        order,
        info,
    )


async def _find(order_id: str, info: Info) -> StoredOrder | None:
    try:
        return await info.context.services.orders.get(UUID(order_id))
    except ValueError:
        return None
