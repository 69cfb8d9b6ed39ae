"""Send the stored transaction of an order in BUILDING: always the same bytes, however often."""

from uuid import UUID

import dramatiq
import structlog
from dramatiq.middleware import CurrentMessage

from engine.errors import EngineError, ErrorCode, Failure, RetryClass
from engine.logs import get_logger
from engine.order_status import OrderStatus
from engine.transaction import SignedTransaction
from models.order import Order
from models.step import Step
from tasks.abandon_order import ABANDON
from tasks.attempts import TryAgain, advance, end_attempt, lease_holder
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.resources import Resources, current_resources

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="order.submit",
    queue_name=ORDERS,
    priority=ORDER_PRIORITY,
    on_retry_exhausted=ABANDON,
)
async def submit_order(order_id: str) -> None:
    """Send again what a lost worker may or may not have sent."""
    resources = current_resources(broker)
    order = await resources.orders.get(UUID(order_id))
    if order is None or order.status is not OrderStatus.BUILDING:
        return
    structlog.contextvars.bind_contextvars(request_id=order.request_id, attempt=order.attempts)
    claimed = await resources.orders.claim(
        order, holder=lease_holder(), lease_ms=resources.settings.step_lease_ms
    )
    if claimed is not None:
        await submit_built(claimed, resources)


async def submit_built(order: Order, resources: Resources) -> None:
    """Send the order's stored bytes and go to SUBMITTED.

    Only an error that proves the transaction dead leads to another attempt. When the venue does
    not answer, nobody knows whether it took the bytes, so they are sent again, and after the
    last try their signature is left to tell.
    """
    venue = resources.venue(order.venue)
    failure = None
    try:
        await venue.submit(_stored_transaction(order))
    except EngineError as error:
        if error.code is ErrorCode.TRANSACTION_EXPIRED or error.retry_class is RetryClass.FATAL:
            await end_attempt(resources, order, error)
            return
        if _tries() < resources.settings.max_attempts:
            await resources.orders.release(order)
            log.warning("order.not_sent", code=error.code, reason=error.message)
            raise TryAgain(error.code) from error
        failure = Failure(code=ErrorCode.OUTCOME_UNKNOWN, message=error.message, venue=venue.id)
    await advance(
        resources,
        Step(
            order_id=order.id,
            sequence=order.sequence,
            previous=order.status,
            status=OrderStatus.SUBMITTED,
            attempt=order.attempts,
            venue=order.venue,
            tx_signature=order.tx_signature,
            failure=failure,
        ),
    )


def _stored_transaction(order: Order) -> SignedTransaction:
    assert order.tx_signature is not None
    assert order.signed_transaction is not None
    assert order.last_valid_slot is not None
    return SignedTransaction(order.tx_signature, order.signed_transaction, order.last_valid_slot)


def _tries() -> int:
    message = CurrentMessage.get_current_message()
    return 1 + (message.options.get("retries", 0) if message is not None else 0)
