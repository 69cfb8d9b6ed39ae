"""Send again what nobody advanced in time: lost messages and lost workers alike."""

import asyncio
from collections.abc import Callable, Sequence

import dramatiq

from engine.errors import ErrorCode, Failure
from engine.orders.status import OrderStatus, OrderType
from models.orders.step import Step
from models.orders.tables import Order
from tasks.attempts import failed_attempt, never
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker, next_order
from tasks.open_resources import current_resources
from tasks.route_order import route_order
from tasks.route_orders import route_orders
from tasks.submit_order import submit_order
from wiring.logs import get_logger
from wiring.resources import Resources

_MOST = 5_000
_NEXT_ALONE_MS = 250
_TOGETHER = 100

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="orders.sweep", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def sweep_orders(more: int = 3) -> None:
    """Free every order in progress whose lease ran out, and send its step again.

    An order that was being worked on lost its worker, which counts as an attempt: a step that
    kills its process must end. One that nobody took only lost its message, or still waits.
    Where orders are held back it looks `more` times again before the clock's next tick.
    """
    resources = current_resources(broker)
    overdue = await resources.orders.overdue(most=_MOST)
    if not overdue:
        return
    # Those that lost a worker take a step, and are not among those let go of below.
    steps = {order.id: step for order in overdue if (step := _lost(order, resources))}
    moved = await resources.door.advance_all(list(steps.values()))
    again = {
        order.id: order
        for order in moved
        if order.status is OrderStatus.ROUTING and not _on_last_chance(order, resources)
    }
    unmoved = {order.id: order for order in overdue if order.id not in steps}
    # Kept out of the crowd: any of these may be what kills its workers.
    suspects = [order for order in unmoved.values() if _on_last_chance(order, resources)]
    to_free = unmoved.keys() - {order.id for order in suspects}
    lease_ms = resources.settings.step_lease_ms
    # Asked before anything is let go of: what is sent by then counts as waiting. Those whose
    # message still waits in line only get a longer lease.
    still_waits = await _queue(resources)
    freed = await resources.orders.free(list(to_free), lease_ms=lease_ms)
    again |= {id: unmoved[id] for id in freed if not still_waits(unmoved[id])}
    _send_again(list(again.values()), resources)
    alone = await _one_alone(suspects, resources)
    # One at a time and one a tick, a hundred suspects would take minutes: look again soon.
    if len(suspects) > 1 and more:
        resources.sender.send(sweep_orders.message(more - 1), delay_ms=_NEXT_ALONE_MS)
    log.info(
        "orders.swept",
        overdue=len(overdue),
        sent_again=len(again) + alone,
        lost_workers=len(steps),
    )


def _send_again(orders: Sequence[Order], resources: Resources) -> None:
    """Send the next steps. Those that nobody ever began may go together, as they came."""
    # Nobody ever had these in hand, so none of them can have killed anybody.
    unbegun = [o for o in orders if o.status is OrderStatus.PENDING and o.type is OrderType.MARKET]
    for start in range(0, len(unbegun), _TOGETHER):
        ids = [str(order.id) for order in unbegun[start : start + _TOGETHER]]
        resources.sender.send(route_orders.message(ids))
    alone = {order.id for order in orders} - {order.id for order in unbegun}
    for order in orders:
        if order.id in alone:
            resources.sender.send(_next_step(order))


def _next_step(order: Order) -> dramatiq.Message[None]:
    actor = submit_order if order.status is OrderStatus.BUILDING else route_order
    return actor.message(str(order.id))


async def _one_alone(suspects: Sequence[Order], resources: Resources) -> int:
    """Send one of the orders on their last chance, unless one is under way; return how many.

    A step that kills its process takes all others there with it. Sent again together they would
    meet it each time and fail with it; so each takes its last chance without the others, and
    without waiting behind all others' messages.
    """
    settings = resources.settings
    if not suspects or await resources.orders.on_last_chance(
        most_attempts=settings.max_attempts, most_builders=_most_builders(resources)
    ):
        return 0
    freed = await resources.orders.free(
        [suspects[0].id], lease_ms=settings.step_lease_ms, waits_in_line=False
    )
    if freed:
        # Ahead of the queue of orders, however long: while this one waits, so do all suspects.
        resources.sender.send(_next_step(suspects[0]).copy(queue_name=CLOCK))
    return len(freed)


def _on_last_chance(order: Order, resources: Resources) -> bool:
    """Say whether the order's worker was lost so often that once more is the last time."""
    if order.status is OrderStatus.BUILDING:
        # Whoever holds it now is lost too, if it is overdue, and not yet counted.
        lost = order.leases_lost + (order.lease_holder is not None)
        return lost >= _most_builders(resources) - 1
    lost_at_last = (
        order.failure is not None
        and order.failure.code is ErrorCode.WORKER_LOST
        and order.attempts >= resources.settings.max_attempts
    )
    return order.status is OrderStatus.ROUTING and lost_at_last


def _most_builders(resources: Resources) -> int:
    """Return how many workers an order may lose while it is BUILDING: the last of them alone."""
    return max(2, resources.settings.max_attempts)


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
    To build it anew would only kill as many more.
    """
    if order.lease_holder is None:
        return None
    failure = Failure(code=ErrorCode.WORKER_LOST, message="The worker on this step was lost.")
    if order.status is OrderStatus.BUILDING:
        if order.leases_lost + 1 < _most_builders(resources):
            return None
        return order.step_to(OrderStatus.FAILED, failure=failure)
    step = failed_attempt(order, failure, resources)
    if step.status is OrderStatus.FAILED and not _on_last_chance(order, resources):
        # Whatever its earlier attempts failed of: another order may have killed this worker.
        step = step.model_copy(update={"status": OrderStatus.ROUTING, "attempt": order.attempts})
    if step.attempt >= resources.settings.max_attempts:
        # Overdue at once: the next sweep sends it, when no other is on its last chance.
        step = step.model_copy(update={"lease_ms": 0})
    return step
