"""The one door through which orders change: made durable, then told, then logged.

Whatever accepts, advances or cancels goes through here, one order or many. What is asked for at
the same time is done together.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

from engine.errors import ErrorCode
from engine.orders.status import OrderStatus
from models.batch import Batch
from models.database import is_outage
from models.orders.step import NewOrder, Step
from models.orders.store import Moved, OrderStore
from models.orders.tables import Order
from wiring.logs import get_logger
from wiring.updates import Updates

log = get_logger(__name__)


class OrderDoor:
    """Changes orders. Raises the drivers' errors when the database is away; then nothing is told.

    `lease_ms` is how long the sweep leaves a new order to the message that announces it.
    """

    def __init__(self, orders: OrderStore, updates: Updates, *, lease_ms: int) -> None:
        self._orders = orders
        self._updates = updates
        self._lease_ms = lease_ms
        # One batch for each kind of statement; within it Postgres commits a group for the price of
        # one.
        self._accept_batch: Batch[NewOrder, tuple[Order, bool]] = Batch(self._accept)
        self._advance_batch: Batch[Step, Order | None] = Batch(self._advance)

    async def accept(self, new: NewOrder) -> tuple[Order, bool]:
        """Return the order of this client order id, and whether it is the one just asked for."""
        return await self._accept_batch(new)

    async def advance(self, step: Step) -> Order | None:
        """Return the order after this step; None where another has moved it meanwhile."""
        return await self._advance_batch(step)

    async def advance_all(self, steps: Sequence[Step]) -> list[Order]:
        """Return the orders that took their steps; one that cannot never keeps the others back.

        What keeps it back is logged. Raises where nothing could be done for want of the database.
        """
        # In the batch with everybody's: one that fails there is made again alone, so that a bad row
        # never stops those beside it.
        answers = await self._advance_batch.all(steps)
        moved = [answer for answer in answers if isinstance(answer, Order)]
        for step, answer in zip(steps, answers, strict=True):
            if isinstance(answer, BaseException):
                # Where some did move, their next steps are the caller's to see to; those left over
                # stay where they are, and are the sweep's.
                if not moved and is_outage(answer):
                    raise answer
                log.error("order.not_moved", order_id=str(step.order_id), exc_info=answer)
        return moved

    async def _accept(self, asked: Sequence[NewOrder]) -> list[tuple[Order, bool]]:
        answers = await self._orders.accept_all(asked, lease_ms=self._lease_ms)
        accepted = [moved for moved, _ in answers if moved is not None]
        if accepted:
            # Committed by now: whatever is lost from here on is read from Postgres a second later.
            await self._tell(accepted)
            _log_reached(OrderStatus.PENDING, [moved.order for moved in accepted])
        return [(order, moved is not None) for moved, order in answers]

    async def _advance(self, steps: Sequence[Step]) -> list[Order | None]:
        moved = await self._orders.advance_all(steps)
        # Told first, logged after: a stream waits for the one, nobody for the other.
        await self._tell([m for m in moved if m is not None])
        _log(steps, moved)
        return [None if m is None else m.order for m in moved]

    async def _tell(self, committed: Sequence[Moved]) -> None:
        await self._updates.publish(chain.from_iterable(moved.told for moved in committed))


def _log(steps: Sequence[Step], moved: Sequence[Moved | None]) -> None:
    reached: dict[OrderStatus, list[Order]] = defaultdict(list)
    for step, m in zip(steps, moved, strict=True):
        if m is None:
            # No fault: a message come twice, or somebody who canceled first.
            log.info("order.already_moved", order_id=str(step.order_id), wanted=step.status)
        elif m.order.failure is None:
            reached[m.order.status].append(m.order)
        else:
            _log_failure(m.order)
    for status, orders in reached.items():
        _log_reached(status, orders)


def _log_reached(status: OrderStatus, orders: Sequence[Order]) -> None:
    """Log a line for those that reached a status together; at DEBUG one for each of them too.

    A line costs as much as a tenth of a step does.
    """
    name = "accepted" if status is OrderStatus.PENDING else status.lower()
    log.info(f"orders.{name}", order_ids=[str(order.id) for order in orders])
    if logging.getLogger(__name__).isEnabledFor(logging.DEBUG):
        for order in orders:
            log.debug(f"order.{name}", **_fields(order))


def _log_failure(order: Order) -> None:
    assert order.failure is not None
    fields = _fields(order) | {"code": order.failure.code, "reason": order.failure.message}
    if order.status is not OrderStatus.FAILED:
        log.warning("order.attempt_failed", **fields)
    # A bug of ours is an error; what a venue, a price or a lost worker did is not.
    elif order.failure.code is ErrorCode.INTERNAL:
        log.error("order.failed", **fields)
    else:
        log.warning("order.failed", **fields)


def _fields(order: Order) -> dict[str, Any]:
    return {
        "order_id": str(order.id),
        "request_id": order.request_id,
        "attempt": order.attempts,
        "sequence": order.sequence,
        **({"venue": order.venue} if order.venue else {}),
    }
