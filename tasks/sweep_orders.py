"""Send again what nobody advanced in time: lost messages and lost workers alike."""

import asyncio
from collections.abc import Callable

import dramatiq

from engine.errors import ErrorCode, Failure
from engine.logs import get_logger
from engine.order_status import OrderStatus
from models.order import Order
from models.step import Step
from tasks.attempts import advance_all, failed_attempt, never
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker, next_order
from tasks.resources import Resources, current_resources
from tasks.route_order import route_order
from tasks.submit_order import submit_order

_MOST = 5_000

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="orders.sweep", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def sweep_orders() -> None:
    """Free every order in progress whose lease ran out, and send its step again.

    An order that was being worked on lost its worker, which counts as an attempt: a step that
    kills its process must end. One that nobody took only lost its message, or still waits.
    """
    resources = current_resources(broker)
    overdue = await resources.orders.overdue(most=_MOST)
    if not overdue:
        return
    steps = {order.id: step for order in overdue if (step := _lost(order, resources))}
    moved = await advance_all(resources, list(steps.values()))
    again = {order.id: order for order in moved if order.status is OrderStatus.ROUTING}
    unmoved = {order.id: order for order in overdue if order.id not in steps}
    still_waits = await _queue(resources)
    freed = await resources.orders.free(list(unmoved), lease_ms=resources.settings.step_lease_ms)
    again |= {id: unmoved[id] for id in freed if not still_waits(unmoved[id])}
    for order in again.values():
        actor = submit_order if order.status is OrderStatus.BUILDING else route_order
        resources.sender.send(actor.message(str(order.id)))
    log.info("orders.swept", overdue=len(overdue), sent_again=len(again), lost_workers=len(steps))


async def _queue(resources: Resources) -> Callable[[Order], bool]:
    """Return what tells an order whose message still waits from one whose message is lost.

    Messages are taken first come, first served: an order accepted after the one that is next
    waits too. Sending those again would fill a long queue with doubles of itself.
    """
    next_id = await asyncio.to_thread(next_order)
    next_one = None if next_id is None else await resources.orders.get(next_id)

    def still_waits(order: Order) -> bool:
        if next_one is None or order.status is not OrderStatus.PENDING:
            return False
        return order.created_at >= next_one.created_at

    return still_waits


def _lost(order: Order, resources: Resources) -> Step | None:
    """Return the step that a lost worker's order takes, None where it just needs its message.

    What is BUILDING was not sent: it is sent by the next worker, unless that kills each of them.
    """
    if order.lease_holder is None:
        return None
    again = order.leases_lost + 1 < resources.settings.max_attempts
    if order.status is OrderStatus.BUILDING and again:
        return None
    failure = Failure(code=ErrorCode.WORKER_LOST, message="The worker on this step was lost.")
    return failed_attempt(order, failure, resources)
