"""Take one order from PENDING to SUBMITTED: wait where it must, then make an attempt."""

from typing import Any
from uuid import UUID

import dramatiq
import structlog

from engine.orders.status import OrderStatus, OrderType
from models.orders.tables import Order
from tasks.abandon_order import ABANDON
from tasks.attempts import ROUTE, TryAgain, lease_holder
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.open_resources import current_resources
from tasks.pipeline import make_attempts
from tasks.triggers import WAITS, look_at_market
from wiring.logs import get_logger
from wiring.resources import Resources

log = get_logger(__name__)


@dramatiq.actor(
    actor_name=ROUTE,
    queue_name=ORDERS,
    priority=ORDER_PRIORITY,
    on_retry_exhausted=ABANDON,
)
async def route_order(order_id: str) -> None:
    """Route an order that is PENDING, or ROUTING with nobody at it, and send its transaction.

    For what waits for the market, and for every attempt but the first: those go alone. Raises
    TryAgain once a failed attempt is recorded and another is due.
    """
    resources = current_resources(broker)
    order = await _take(UUID(order_id), resources)
    if order is None:
        return
    structlog.contextvars.bind_contextvars(request_id=order.request_id, attempt=order.attempts)
    for again in await make_attempts([order], resources):
        raise TryAgain(str(again.failure and again.failure.code))


async def _take(order_id: UUID, resources: Resources) -> Order | None:
    """Begin the first attempt, or the next one where it waits to be begun; None if not ours."""
    order = await resources.orders.get(order_id)
    if order is None:
        log.warning("order.unknown")
        return None
    if order.status is OrderStatus.ROUTING:
        return await resources.orders.claim(
            order, holder=lease_holder(), lease_ms=resources.settings.step_lease_ms
        )
    if order.status is not OrderStatus.PENDING:
        return None  # a message come twice, or late
    if order.type is OrderType.MARKET:
        return await resources.door.advance(
            order.step_to(OrderStatus.ROUTING, attempt=1, **_lease(resources))
        )
    return await _rest(order, resources)


async def _rest(order: Order, resources: Resources) -> Order | None:
    """Let an order wait for its price or pool; go on at once where it need not."""
    waits_for, trigger = WAITS[order.type]
    waiting = await resources.door.advance(order.step_to(waits_for))
    if waiting is None:
        return None
    step = trigger(waiting, await look_at_market(resources))
    if step is None:
        return None
    return await resources.door.advance(step.model_copy(update=_lease(resources)))


def _lease(resources: Resources) -> dict[str, Any]:
    return {"lease_holder": lease_holder(), "lease_ms": resources.settings.step_lease_ms}
