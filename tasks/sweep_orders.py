"""Send again what nobody advanced in time: lost messages and lost workers alike."""

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

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
_NEXT_ALONE_MS = 250

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
    again = {
        order.id: order
        for order in moved
        if order.status is OrderStatus.ROUTING and not _on_last_chance(order, resources)
    }
    unmoved = {order.id: order for order in overdue if order.id not in steps}
    to_free = await _but_one_on_its_last_chance(unmoved, resources)
    still_waits = await _queue(resources)
    freed = await resources.orders.free(to_free, lease_ms=resources.settings.step_lease_ms)
    again |= {id: unmoved[id] for id in freed if not still_waits(unmoved[id])}
    for order in again.values():
        actor = submit_order if order.status is OrderStatus.BUILDING else route_order
        resources.sender.send(actor.message(str(order.id)))
    if len(to_free) < len(unmoved):
        resources.sender.send(sweep_orders.message(), delay_ms=_NEXT_ALONE_MS)
    log.info("orders.swept", overdue=len(overdue), sent_again=len(again), lost_workers=len(steps))


async def _but_one_on_its_last_chance(
    overdue: Mapping[UUID, Order], resources: Resources
) -> list[UUID]:
    """Return these orders' ids without those on their last chance, but for one of them.

    A step that kills its process takes all others there with it. Sent again together they would
    meet it each time and fail with it; so each takes its last chance without the others.
    """
    suspects = [id for id, order in overdue.items() if _on_last_chance(order, resources)]
    if not suspects:
        return list(overdue)
    most = resources.settings.max_attempts
    under_way = await resources.orders.on_last_chance(most_attempts=most)
    held_back = suspects if under_way else suspects[1:]
    return [id for id in overdue if id not in set(held_back)]


def _on_last_chance(order: Order, resources: Resources) -> bool:
    """Say whether the order's worker was lost so often that once more is the last time."""
    most = resources.settings.max_attempts
    if order.status is OrderStatus.BUILDING:
        return order.leases_lost + (order.lease_holder is not None) >= most - 1
    lost = order.failure is not None and order.failure.code is ErrorCode.WORKER_LOST
    return order.status is OrderStatus.ROUTING and lost and order.attempts >= most


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
    step = failed_attempt(order, failure, resources)
    if step.attempt >= resources.settings.max_attempts:
        # Overdue at once: the next sweep sends it, when no other is on its last chance.
        step = step.model_copy(update={"lease_ms": 0})
    return step
