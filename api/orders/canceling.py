"""Cancel an order: one compare-and-set against whoever works on it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from api.graphql.context import ACCOUNT, Info
from api.graphql.errors import InvalidArgument, or_overloaded
from api.graphql.inputs import OrderFilter
from api.graphql.order_types import Order, OrderPayload
from api.orders.history import order_filter
from api.orders.placing import MOST_AT_ONCE, refused
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


async def cancel_all(
    ids: Sequence[str] | None, filter: OrderFilter | None, info: Info
) -> list[OrderPayload]:
    """Cancel the orders of these ids, or the newest of those that a filter finds and can be.

    Each has its own payload, in the order of the ids, or newest first. Raises InvalidArgument.
    """
    if (ids is None) == (filter is None):
        raise InvalidArgument("Give `ids` or `filter`, one of the two.")
    if ids is None:
        ids = await _cancelable(filter, info)
    elif not 1 <= len(ids) <= MOST_AT_ONCE:
        raise InvalidArgument(f"`ids` is a list of 1 to {MOST_AT_ONCE}.")
    return await asyncio.gather(*(or_overloaded(cancel(id, info), refused) for id in ids))


async def _cancelable(filter: OrderFilter | None, info: Info) -> list[str]:
    services = info.context.services
    wanted = await order_filter(filter, services)
    left = NOT_SENT if wanted.statuses is None else NOT_SENT & set(wanted.statuses)
    wanted = replace(wanted, statuses=tuple(sorted(left)))
    found = await services.orders.page(ACCOUNT, wanted, most=MOST_AT_ONCE)
    return [str(order.id) for order in found]


async def _find(order_id: str, info: Info) -> StoredOrder | None:
    try:
        return await info.context.services.orders.get(UUID(order_id))
    except ValueError:
        return None
