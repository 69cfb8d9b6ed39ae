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
    from engine.orders.event import OrderEvent
    from wiring.order_door import OrderDoor

    advance = OrderDoor._advance

    async def too_early(self: Any, steps: Any) -> Any:
        orders = await self._orders.get_many([step.order_id for step in steps])
        events = [
            OrderEvent(
                order_id=step.order_id,
                sequence=step.sequence + 1,
                status=step.status,
                previous_status=step.previous,
                attempt=step.attempt,
                occurred_at=orders[step.order_id].updated_at,
                failure=step.failure,
            )
            for step in steps
        ]
        await self._updates.publish(
            event.model_dump_json(exclude_defaults=True) for event in events
        )
        return await advance(self, steps)

    OrderDoor._advance = too_early  # type: ignore[method-assign]


def _drop_compare_and_set() -> None:
    """Move an order wherever it stands."""
    from models.orders import writing

    moving = writing.moving

    def broken(move: writing.Move) -> str:
        statement = moving(move)
        anywhere = statement.replace(
            f"o.sequence = s.sequence AND o.status = '{move.previous}'", "true"
        )
        assert anywhere != statement
        return anywhere

    writing.moving = broken  # type: ignore[assignment]


def _build_anew_on_resume() -> None:
    """Sign another transaction where the outcome of the first is not known."""
    import tasks.resend_orders

    async def anew(orders: Any, resources: Any) -> list[Any]:
        for order in orders:
            venue = resources.venue(order.venue)
            quote = await venue.quote(order.swap)
            signed = await venue.build(quote, min_amount_out=1, memo=str(order.id), nonce=99)
            await venue.submit(signed)
        return []

    vars(tasks.resend_orders)["send_all"] = anew


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
