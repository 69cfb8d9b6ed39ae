"""Take a group of market orders from PENDING to SUBMITTED: one statement a step for all of them."""

from collections.abc import Sequence
from uuid import UUID

import dramatiq

from engine.orders.status import OrderStatus
from models.database import is_outage
from models.orders.step import Step
from models.orders.tables import Order
from tasks.attempts import lease_holder, route_again
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.open_resources import current_resources
from tasks.pipeline import make_attempts
from wiring.logs import get_logger
from wiring.resources import Resources

log = get_logger(__name__)


@dramatiq.actor(actor_name="orders.route", queue_name=ORDERS, priority=ORDER_PRIORITY)
async def route_orders(order_ids: list[str]) -> None:
    """Make the first attempt for each of these market orders; see route_order for every other.

    A group is only ever of orders that nobody has begun: one whose holder was lost, or whose
    attempt failed, goes on alone, so that it can harm no others.
    """
    resources = current_resources(broker)
    orders = await _begin([UUID(id) for id in order_ids], resources)
    try:
        again = await make_attempts(orders, resources)
    except Exception as error:
        if is_outage(error):
            raise  # the message comes again, and finds its orders where it left them
        log.exception("orders.each_alone", orders=len(orders))
        again = await resources.orders.let_go([o.id for o in orders], holder=lease_holder())
    for order in again:
        route_again(order, resources)


async def _begin(ids: Sequence[UUID], resources: Resources) -> list[Order]:
    """Begin the attempts of those that are PENDING, and go on with those this message began."""
    holder, lease_ms = lease_holder(), resources.settings.step_lease_ms
    steps = [
        Step.model_construct(
            order_id=id,
            sequence=1,  # whatever is PENDING stands at its first event
            previous=OrderStatus.PENDING,
            status=OrderStatus.ROUTING,
            attempt=1,
            lease_holder=holder,
            lease_ms=lease_ms,
        )
        for id in ids
    ]
    begun = await resources.door.advance_all(steps)
    left = set(ids) - {order.id for order in begun}
    mine = await resources.orders.held(left, holder=holder, lease_ms=lease_ms) if left else []
    return [*begun, *mine]
