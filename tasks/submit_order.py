"""Send what a lost worker built and may or may not have sent."""

from uuid import UUID

import dramatiq
import structlog

from engine.orders.status import OrderStatus
from tasks.abandon_order import ABANDON
from tasks.attempts import lease_holder, route_again
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.open_resources import current_resources
from tasks.sending import send_all


@dramatiq.actor(
    actor_name="order.submit",
    queue_name=ORDERS,
    priority=ORDER_PRIORITY,
    on_retry_exhausted=ABANDON,
)
async def submit_order(order_id: str) -> None:
    """Submit an order that is BUILDING: workers of before stopped there between two commits."""
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
    if built is None:
        return
    submitted = await resources.door.advance(
        built.step_to(
            OrderStatus.SUBMITTED,
            lease_holder=built.lease_holder,
            lease_ms=resources.settings.step_lease_ms,
            venue=built.venue,
            tx_signature=built.tx_signature,
        ),
    )
    for again in await send_all([submitted] if submitted else [], resources):
        route_again(again, resources)
