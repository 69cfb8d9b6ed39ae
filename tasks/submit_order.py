"""Send the stored transaction of an order: always the same bytes, however often."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import dramatiq
import structlog

from engine.errors import EngineError, ErrorCode, RetryClass
from engine.orders.status import OrderStatus
from engine.swaps.transaction import SignedTransaction
from models.database import Lock, only_one
from models.orders.tables import Order
from tasks.abandon_order import ABANDON
from tasks.attempts import TryAgain, advance, end_attempt, lease_holder, never, route_again
from tasks.broker import CLOCK, CLOCK_PRIORITY, ORDER_PRIORITY, ORDERS, broker
from tasks.resources import Resources, current_resources
from wiring.logs import get_logger

_AGAIN_AFTER_MS = 1_000
_AGAIN_SECONDS = 5
_ANSWER_SECONDS = 5
_MOST_LOST_AGAIN = 1
"""With the first, two workers may be lost to the same bytes. Orders that were with both have one
chance left: a third loss could take it from them."""

log = get_logger(__name__)


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
        await _route_again_if_dead(built, submit_built, resources)


@dramatiq.actor(
    actor_name="orders.resend", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def resend_orders(order_ids: list[str]) -> None:
    """Send again what no venue knows of, one order after the other in the whole engine.

    Bytes that kill their sender would otherwise take all those down that were sent beside them,
    each time anew. What does not get its turn here gets it in a later slot.
    """
    resources = current_resources(broker)
    async with only_one(resources.database, Lock.RESENDING) as alone:
        if not alone:
            return
        until = time.monotonic() + _AGAIN_SECONDS
        ids = [UUID(id) for id in order_ids]
        for order in await resources.orders.unsent(ids, most_lost=_MOST_LOST_AGAIN):
            claimed = await resources.orders.claim_resend(
                order,
                holder=lease_holder(),
                lease_ms=resources.settings.step_lease_ms,
                most_lost=_MOST_LOST_AGAIN,
            )
            if claimed is not None:
                await _route_again_if_dead(claimed, _send, resources)
            if time.monotonic() > until:
                return


async def _route_again_if_dead(
    order: Order, send: Callable[[Order, Resources], Awaitable[None]], resources: Resources
) -> None:
    """Send, and start the next attempt where the bytes prove dead: TryAgain is for routing only."""
    try:
        await send(order, resources)
    except TryAgain:
        routed = await resources.orders.get(order.id)
        if routed is not None:
            route_again(routed, resources)


async def submit_built(order: Order, resources: Resources) -> None:
    """Go to SUBMITTED and then send, in this order.

    Whoever cancels the order before SUBMITTED has proof that nothing was sent; from then on only
    the transaction's outcome decides, and its bytes are sent until the venue knows them.
    """
    submitted = await advance(
        resources,
        order.step_to(
            OrderStatus.SUBMITTED,
            lease_holder=order.lease_holder,
            lease_ms=resources.settings.step_lease_ms,
            venue=order.venue,
            tx_signature=order.tx_signature,
        ),
    )
    if submitted is not None:
        await _send(submitted, resources)


async def _send(order: Order, resources: Resources) -> None:
    """Send the order's stored bytes.

    Only an error that proves the transaction dead leads to another attempt. When the venue does
    not answer, nobody knows whether it took the bytes: they are sent again until it knows them.
    """
    transaction = _stored_transaction(order)
    again_after_ms = resources.settings.step_lease_ms
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await resources.venue(order.venue).submit(transaction)
        if order.leases_lost == 0:
            return
    except EngineError as error:
        if error.code is ErrorCode.TRANSACTION_EXPIRED or error.retry_class is RetryClass.FATAL:
            await end_attempt(resources, order, error)
            return
        log.warning("order.not_sent", code=error.code, reason=error.message)
        again_after_ms = _AGAIN_AFTER_MS
    except Exception as error:  # an outage, or a plug-in's bug: nobody knows what it took
        log.warning("order.not_sent", reason=repr(error))
        again_after_ms = _AGAIN_AFTER_MS
    await resources.orders.sender_lived(order, holder=order.lease_holder, lease_ms=again_after_ms)


def _stored_transaction(order: Order) -> SignedTransaction:
    assert order.tx_signature is not None
    assert order.signed_transaction is not None
    assert order.last_valid_slot is not None
    return SignedTransaction(order.tx_signature, order.signed_transaction, order.last_valid_slot)
