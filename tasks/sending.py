"""Send stored transactions: what routing, submitting and resending share."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from engine.errors import EngineError, ErrorCode, RetryClass
from engine.orders.status import OrderStatus
from engine.swaps.transaction import SignedTransaction
from engine.venues.groups import side_by_side, submit_each
from models.orders.step import Step
from models.orders.tables import Order
from tasks.attempts import failed_attempt
from wiring.logs import get_logger
from wiring.resources import Resources

_AGAIN_AFTER_MS = 1_000
_ANSWER_SECONDS = 5

log = get_logger(__name__)


async def send_all(orders: Sequence[Order], resources: Resources) -> list[Order]:
    """Send the stored bytes of SUBMITTED orders; return those that are due another attempt.

    They are SUBMITTED before they are sent: whoever cancels an order before that has proof that
    nothing was sent, and from then on only the transaction's outcome decides. Only an error that
    proves a transaction dead leads to another attempt. When the venue does not answer, nobody
    knows whether it took the bytes: they are sent again until it knows them.
    """
    at: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        at[order.venue or ""].append(order)
    steps = await side_by_side(_send_to(venue, there, resources) for venue, there in at.items())
    moved = await resources.door.advance_all([step for there in steps for step in there])
    return [order for order in moved if order.status is OrderStatus.ROUTING]


async def _send_to(venue: str, orders: Sequence[Order], resources: Resources) -> list[Step]:
    """Send to one venue, and return the steps of those whose transactions are dead."""
    transactions = [_stored_transaction(order) for order in orders]
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            answers = await submit_each(resources.venue(venue), transactions)
    except Exception as error:  # an outage, or a venue's bug: nobody knows what it took
        log.warning("orders.not_sent", venue=venue, orders=len(orders), reason=repr(error))
        await _note(orders, resources, again_after_ms=_AGAIN_AFTER_MS)
        return []
    refusals = [(order, said) for order, said in zip(orders, answers, strict=True) if said]
    unknown = [(order, said) for order, said in refusals if not _is_dead(said)]
    for order, said in unknown:
        log.warning("order.not_sent", order_id=str(order.id), code=said.code, reason=str(said))
    await _note([order for order, _ in unknown], resources, again_after_ms=_AGAIN_AFTER_MS)
    refused = {order.id for order, _ in refusals}
    again = [order for order in orders if order.leases_lost and order.id not in refused]
    await _note(again, resources, again_after_ms=resources.settings.step_lease_ms)
    return [failed_attempt(order, said, resources) for order, said in refusals if _is_dead(said)]


def _is_dead(error: EngineError) -> bool:
    return error.code is ErrorCode.TRANSACTION_EXPIRED or error.retry_class is RetryClass.FATAL


async def _note(orders: Sequence[Order], resources: Resources, *, again_after_ms: int) -> None:
    for order in orders:
        await resources.orders.sender_lived(
            order, holder=order.lease_holder, lease_ms=again_after_ms
        )


def _stored_transaction(order: Order) -> SignedTransaction:
    assert order.tx_signature is not None
    assert order.signed_transaction is not None
    assert order.last_valid_slot is not None
    return SignedTransaction(order.tx_signature, order.signed_transaction, order.last_valid_slot)
