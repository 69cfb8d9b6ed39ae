"""The last word on an order whose step raised what nobody foresaw."""

from typing import Any
from uuid import UUID

import dramatiq

from engine.errors import ErrorCode, Failure
from engine.orders.status import TERMINAL, OrderStatus
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.open_resources import current_resources

ABANDON = "order.abandon"


@dramatiq.actor(actor_name=ABANDON, queue_name=ORDERS, priority=ORDER_PRIORITY)
async def abandon_order(message_data: dict[str, Any], retries: dict[str, int]) -> None:
    """End an order whose step raised what nobody foresaw; Retries sends this as its last word.

    Once a transaction is on its way the order is not given up: its signature decides.
    """
    resources = current_resources(broker)
    order = await resources.orders.get(UUID(message_data["args"][0]))
    if order is None or order.status in (OrderStatus.SUBMITTED, *TERMINAL):
        return
    failure = Failure(code=ErrorCode.INTERNAL, message="The engine failed unexpectedly.")
    await resources.door.advance(order.step_to(OrderStatus.FAILED, failure=failure))
