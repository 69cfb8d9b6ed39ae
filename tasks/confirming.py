"""Ask what became of all sent transactions, in bulk, and end or retry their orders."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeGuard

import dramatiq

from engine.amounts import price
from engine.errors import ErrorCode, Failure
from engine.orders.status import OrderStatus
from engine.swaps.transaction import StatusReport, TransactionState, TransactionStatus
from engine.venues.venue import MAX_SIGNATURES_PER_CALL
from models.orders.sent import Sent
from models.orders.step import Step
from tasks.attempts import failed_attempt, route_again
from wiring.logs import get_logger
from wiring.resources import Resources

_ANSWER_SECONDS = 5

RESEND = "orders.resend"
"""The name of the actor that sends again what no venue knows of."""

log = get_logger(__name__)


class Confirming:
    """Asks venues about what was sent, side by side, so that a silent one delays only its own.

    A venue that does not answer in time is left with the question, and not asked anew before it
    has answered or its time is up.
    """

    def __init__(self) -> None:
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def look(self, resources: Resources, *, patience_seconds: float) -> None:
        """Look at every SUBMITTED order once, for no longer than `patience_seconds`."""
        sent: dict[str, list[Sent]] = defaultdict(list)
        async for order in resources.orders.sent():
            sent[order.venue].append(order)
        for venue, orders in sent.items():
            if venue not in self._asking or self._asking[venue].done():
                self._asking[venue] = asyncio.create_task(_confirm(venue, orders, resources))
        tasks = [self._asking[venue] for venue in sent]
        if tasks:
            done, _ = await asyncio.wait(tasks, timeout=patience_seconds)
            for task in done:
                task.result()


async def _confirm(venue: str, orders: Sequence[Sent], resources: Resources) -> None:
    """End, or route again, the orders of one venue that it can tell the end of."""
    chunks = [
        orders[start : start + MAX_SIGNATURES_PER_CALL]
        for start in range(0, len(orders), MAX_SIGNATURES_PER_CALL)
    ]
    found = await asyncio.gather(*(_report(venue, chunk, resources) for chunk in chunks))
    steps = [step for steps, _ in found for step in steps]
    dead = {order.id: failure for _, failures in found for order, failure in failures}
    if dead:
        whole = await resources.orders.get_many(list(dead))
        steps += [failed_attempt(whole[id], failure, resources) for id, failure in dead.items()]
    for order in await resources.door.advance_all(steps):
        if order.status is OrderStatus.ROUTING:
            route_again(order, resources)


async def _report(
    venue: str, orders: Sequence[Sent], resources: Resources
) -> tuple[list[Step], list[tuple[Sent, Failure]]]:
    """Return what a venue's answer allows: steps to the end, and failures; nothing without one."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            report = await resources.venue(venue).statuses([o.tx_signature for o in orders])
        told = [(order, _outcome(order, report)) for order in orders]
        steps = [_confirmed(order, status) for order, status in told if _is_confirmed(status)]
        failures = [
            (order, _failure(order, status))
            for order, status in told
            if status is not None and status.state in _REASONS
        ]
        unknown = [str(order.id) for order in orders if _is_unknown(order, report)]
    except Exception as error:  # whatever one venue raises must not hold up the others' orders
        log.warning("orders.not_confirmed", venue=venue, error=repr(error))
        return [], []
    if unknown:
        resend = dramatiq.get_broker().get_actor(RESEND)
        resources.sender.send(resend.message(unknown))
    return steps, failures


def _is_unknown(order: Sent, report: StatusReport) -> bool:
    """Say whether the venue does not know of a transaction that it could still execute.

    Unknown is not dead: only the end of its validity proves that it can never land. Until then its
    sender may have been lost, so the same bytes go out again.
    """
    if report.statuses.get(order.tx_signature) is not None:
        return False
    return order.last_valid_slot is None or report.slot <= order.last_valid_slot


def _outcome(order: Sent, report: StatusReport) -> TransactionStatus | None:
    """Return what is known to have become of a transaction, None for what may still become."""
    if _is_unknown(order, report):
        return None
    return report.statuses.get(order.tx_signature) or TransactionStatus(
        TransactionState.EXPIRED, code=ErrorCode.TRANSACTION_EXPIRED
    )


def _is_confirmed(status: TransactionStatus | None) -> TypeGuard[TransactionStatus]:
    return status is not None and status.state is TransactionState.CONFIRMED


def _failure(order: Sent, status: TransactionStatus) -> Failure:
    code = status.code or ErrorCode.TRANSACTION_DROPPED
    return Failure(code=code, message=_REASONS[status.state], venue=order.venue)


_REASONS = {
    TransactionState.REVERTED: "The transaction was executed and reverted.",
    TransactionState.DROPPED: "The transaction was dropped and will not land.",
    TransactionState.EXPIRED: "The transaction did not land while it was valid.",
}


def _confirmed(order: Sent, status: TransactionStatus) -> Step:
    assert status.amount_out is not None
    tokens = order.tokens
    return Step.model_construct(
        order_id=order.id,
        sequence=order.sequence,
        previous=OrderStatus.SUBMITTED,
        status=OrderStatus.CONFIRMED,
        attempt=order.attempts,
        venue=order.venue,
        tx_signature=order.tx_signature,
        route=status.route or None,
        amount_out=status.amount_out,
        executed_price=price(
            order.amount_in,
            tokens.of_mint(order.token_in),
            status.amount_out,
            tokens.of_mint(order.token_out),
        ),
        fee=status.fee,
        slot=status.slot,
    )
