"""Send the stored transaction of an order: always the same bytes, however often."""

from uuid import UUID

import dramatiq
import structlog

from engine.errors import EngineError, ErrorCode, RetryClass
from engine.logs import get_logger
from engine.order_status import OrderStatus
from engine.transaction import SignedTransaction
from models.order import Order
from tasks.abandon_order import ABANDON
from tasks.attempts import TryAgain, advance, end_attempt, lease_holder, route_again
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.resources import Resources, current_resources

_SEND_AGAIN_AFTER_MS = 1_000

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
    settings = resources.settings
    holder, lease_ms = lease_holder(), settings.step_lease_ms
    try:
        if order.status is OrderStatus.BUILDING:
            built = await resources.orders.claim(order, holder=holder, lease_ms=lease_ms)
            if built is not None:
                await submit_built(built, resources)
        elif order.status is OrderStatus.SUBMITTED:
            sent = await resources.orders.claim_resend(
                order, holder=holder, lease_ms=lease_ms, most_lost=settings.max_attempts
            )
            if sent is not None:
                await _send(sent, resources)
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
    try:
        await resources.venue(order.venue).submit(_stored_transaction(order))
    except EngineError as error:
        if error.code is ErrorCode.TRANSACTION_EXPIRED or error.retry_class is RetryClass.FATAL:
            await end_attempt(resources, order, error)
            return
        log.warning("order.not_sent", code=error.code, reason=error.message)
        await resources.orders.not_sent(
            order, holder=order.lease_holder, lease_ms=_SEND_AGAIN_AFTER_MS
        )


def _stored_transaction(order: Order) -> SignedTransaction:
    assert order.tx_signature is not None
    assert order.signed_transaction is not None
    assert order.last_valid_slot is not None
    return SignedTransaction(order.tx_signature, order.signed_transaction, order.last_valid_slot)
