"""The engine broken on purpose, one promise at a time, to see that the suite turns red.

Each is installed into the processes of a stack (tests/faults/process.py); nothing of it is in the
product.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Breakage:
    """What is broken, under which fault it shows, and the checks that have to see it, any of them.

    Where the check of a promise is behind another guard, such as the database's triggers, the
    breakage shows in what that guard leaves.
    """

    install: Callable[[], None]
    fault: str
    caught_by: frozenset[str]


def _publish_before_commit() -> None:
    """Tell followers of a step before it is durable."""
    import tasks.attempts
    from engine.orders.event import OrderEvent
    from wiring.updates import Updates

    advance = tasks.attempts.advance

    async def too_early(resources: Any, step: Any) -> Any:
        order = await resources.orders.get(step.order_id)
        event = OrderEvent(
            order_id=step.order_id,
            sequence=step.sequence + 1,
            status=step.status,
            previous_status=step.previous,
            attempt=step.attempt,
            occurred_at=order.updated_at,
            failure=step.failure,
        )
        updates: Updates = resources.updates
        await updates.publish([event])
        return await advance(resources, step)

    _replace_everywhere("advance", too_early)


def _drop_compare_and_set() -> None:
    """Move an order wherever it stands."""
    from models.orders import statements as order_sql

    statement = str(order_sql.ADVANCE)
    broken = statement.replace("sequence = s.sequence + 1", "sequence = o.sequence + 1").replace(
        "o.sequence = s.sequence AND o.status = s.previous", "true"
    )
    assert broken.count("o.sequence + 1") == 1
    assert "AND true" in broken
    # The columns' types go with it: only its words are other words.
    order_sql.ADVANCE = order_sql.returning_orders(broken)


def _build_anew_on_resume() -> None:
    """Sign another transaction where the outcome of the first is not known."""
    import tasks.submit_order

    send = tasks.submit_order._send

    async def anew(order: Any, resources: Any) -> None:
        if order.leases_lost == 0:
            return await send(order, resources)
        venue = resources.venue(order.venue)
        quote = await venue.quote(order.swap)
        signed = await venue.build(quote, min_amount_out=1, memo=str(order.id), nonce=99)
        await venue.submit(signed)

    tasks.submit_order._send = anew


def _drop_reconnect() -> None:
    """End the listener at the first broken connection, as the stock backend does."""
    from wiring.redis_broadcast import RedisBroadcast

    listen = RedisBroadcast._listen

    async def once(self: Any) -> None:
        receive = self._receive

        async def receive_then_end(pubsub: Any) -> None:
            try:
                await receive(pubsub)
            finally:
                self._closed = True

        self._receive = receive_then_end
        await listen(self)

    RedisBroadcast._listen = once  # type: ignore[method-assign]


def _drop_sweep() -> None:
    """Send nothing again."""
    from models.orders.store import OrderStore

    async def none_is_overdue(self: Any, *, most: int) -> list[Any]:
        return []

    OrderStore.overdue = none_is_overdue  # type: ignore[method-assign]


def _replace_everywhere(name: str, function: Any) -> None:
    import tasks.attempts
    import tasks.confirm_orders
    import tasks.route_order
    import tasks.submit_order

    for module in (tasks.route_order, tasks.submit_order, tasks.attempts, tasks.confirm_orders):
        if hasattr(module, name):
            setattr(module, name, function)


BREAKAGES = {
    "publishing before the commit": Breakage(
        _publish_before_commit,
        "messages tenfold, shuffled",
        frozenset({"streams that are not what is stored", "streams that did not end"}),
    ),
    "dropping the compare-and-set": Breakage(
        _drop_compare_and_set,
        "messages tenfold, shuffled",
        frozenset(
            {
                "steps from elsewhere than the last",
                "orders FAILED by a bug (INTERNAL)",
                "landed twice",
            }
        ),
    ),
    "building anew on resume": Breakage(
        _build_anew_on_resume,
        "killed worker: between SUBMITTED's commit and send",
        frozenset(
            {"landed twice", "landed transactions other than the CONFIRMED orders', to the atom"}
        ),
    ),
    "dropping the hub's reconnect": Breakage(
        _drop_reconnect, "pub/sub connection cut", frozenset({"not ready again in time"})
    ),
    "dropping the sweep": Breakage(
        _drop_sweep,
        "killed api: between commit and enqueue",
        frozenset({"orders that did not end"}),
    ),
}
