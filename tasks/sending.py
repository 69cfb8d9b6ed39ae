"""Send the stored transaction of an order: what routing, submitting and resending share."""

import asyncio
from collections.abc import Awaitable, Callable

from engine.errors import EngineError, ErrorCode, RetryClass
from engine.orders.status import OrderStatus
from engine.swaps.transaction import SignedTransaction
from models.orders.tables import Order
from tasks.attempts import TryAgain, end_attempt, route_again
from wiring.logs import get_logger
from wiring.resources import Resources

_AGAIN_AFTER_MS = 1_000
_ANSWER_SECONDS = 5

log = get_logger(__name__)


async def submit_built(order: Order, resources: Resources) -> None:
    """Go to SUBMITTED and then send, in this order.

    Whoever cancels the order before SUBMITTED has proof that nothing was sent; from then on only
    the transaction's outcome decides, and its bytes are sent until the venue knows them.
    """
    submitted = await resources.door.advance(
        order.step_to(
            OrderStatus.SUBMITTED,
            lease_holder=order.lease_holder,
            lease_ms=resources.settings.step_lease_ms,
            venue=order.venue,
            tx_signature=order.tx_signature,
        ),
    )
    if submitted is not None:
        await send(submitted, resources)


async def send(order: Order, resources: Resources) -> None:
    """Send the order's stored bytes. Raises TryAgain once an attempt that proved dead is recorded.

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


async def route_again_if_dead(
    order: Order, send: Callable[[Order, Resources], Awaitable[None]], resources: Resources
) -> None:
    """Send, and start the next attempt where the bytes prove dead: TryAgain is for routing only."""
    try:
        await send(order, resources)
    except TryAgain:
        routed = await resources.orders.get(order.id)
        if routed is not None:
            route_again(routed, resources)


def _stored_transaction(order: Order) -> SignedTransaction:
    assert order.tx_signature is not None
    assert order.signed_transaction is not None
    assert order.last_valid_slot is not None
    return SignedTransaction(order.tx_signature, order.signed_transaction, order.last_valid_slot)
