"""Send what a lost worker built and may or may not have sent."""

from uuid import UUID

import dramatiq
import structlog

from engine.orders.status import OrderStatus
from tasks.abandon_order import ABANDON
from tasks.attempts import lease_holder
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.open_resources import current_resources
from tasks.sending import route_again_if_dead, submit_built


@dramatiq.actor(
    actor_name="order.submit",
    queue_name=ORDERS,
    priority=ORDER_PRIORITY,
    on_retry_exhausted=ABANDON,
)
async def submit_order(order_id: str) -> None:
    """Send what a lost worker built and may or may not have sent."""
    resources = current_resources(broker)
    order = await resources.orders.get(UUID(order_id))
    if order is None:
        return
    structlog.contextvars.bind_contextvars(request_id=order.request_id, attempt=order.attempts)
    if order.status is not OrderStatus.BUILDING:
        return  # a message come twice, or late
    built = await resources.orders.claim(
        order, holder=lease_holder(), lease_ms=resources.settings.step_lease_ms
    )
    if built is not None:
        await route_again_if_dead(built, submit_built, resources)
