"""Ask what became of all sent transactions, in bulk, and end or retry their orders."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

import dramatiq

from engine.amounts import price
from engine.errors import ErrorCode, Failure
from engine.orders.status import OrderStatus
from engine.swaps.transaction import StatusReport, TransactionState, TransactionStatus
from engine.venues.venue import MAX_SIGNATURES_PER_CALL
from models.database import Lock, only_one
from models.orders.step import Step
from models.orders.tables import Order
from tasks.attempts import failed_attempt, never, route_again
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.open_resources import current_resources
from tasks.resend_orders import resend_orders
from wiring.logs import get_logger
from wiring.resources import Resources

_PAGE = 2_048
_ANSWER_SECONDS = 5

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="orders.confirm", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def confirm_orders() -> None:
    """Look at every SUBMITTED order once; one run at a time, the next tick makes up for others."""
    resources = current_resources(broker)
    async with only_one(resources.database, Lock.CONFIRMING) as alone:
        if alone:
            await _confirm_all(resources)


async def _confirm_all(resources: Resources) -> None:
    last: Order | None = None
    while page := await resources.orders.submitted(after=last, most=_PAGE):
        reports = await asyncio.gather(*(_report(chunk, resources) for chunk in _by_venue(page)))
        steps = [step for found in reports for step in found]
        for order in await resources.door.advance_all(steps):
            if order.status is OrderStatus.ROUTING:
                route_again(order, resources)
        last = page[-1]
        if len(page) < _PAGE:
            break


def _by_venue(orders: Sequence[Order]) -> Iterator[list[Order]]:
    at: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        at[order.venue or ""].append(order)
    for waiting in at.values():
        for start in range(0, len(waiting), MAX_SIGNATURES_PER_CALL):
            yield waiting[start : start + MAX_SIGNATURES_PER_CALL]


async def _report(orders: Sequence[Order], resources: Resources) -> list[Step]:
    """Return the steps that one venue's answer allows; none where it does not answer."""
    try:
        venue = resources.venue(orders[0].venue)
        async with asyncio.timeout(_ANSWER_SECONDS):
            report = await venue.statuses([order.tx_signature or "" for order in orders])
        steps = [step for order in orders if (step := _step(order, report, resources))]
        unknown = [str(order.id) for order in orders if _is_unknown(order, report)]
    except Exception as error:  # whatever one venue raises must not hold up the others' orders
        log.warning("orders.not_confirmed", venue=orders[0].venue, error=repr(error))
        return []
    if unknown:
        resources.sender.send(resend_orders.message(unknown))
    return steps


def _is_unknown(order: Order, report: StatusReport) -> bool:
    """Say whether the venue does not know of a transaction that it could still execute.

    Unknown is not dead: only the end of its validity proves that it can never land. Until then its
    sender may have been lost, so the same bytes go out again.
    """
    if report.statuses.get(order.tx_signature or "") is not None:
        return False
    return order.last_valid_slot is None or report.slot <= order.last_valid_slot


def _step(order: Order, report: StatusReport, resources: Resources) -> Step | None:
    if _is_unknown(order, report):
        return None
    status = report.statuses.get(order.tx_signature or "") or TransactionStatus(
        TransactionState.EXPIRED, code=ErrorCode.TRANSACTION_EXPIRED
    )
    if status.state in (TransactionState.PENDING, TransactionState.LANDED):
        return None
    if status.state is TransactionState.CONFIRMED:
        return _confirmed(order, status)
    code = status.code or ErrorCode.TRANSACTION_DROPPED
    failure = Failure(code=code, message=_REASONS[status.state], venue=order.venue)
    return failed_attempt(order, failure, resources)


_REASONS = {
    TransactionState.REVERTED: "The transaction was executed and reverted.",
    TransactionState.DROPPED: "The transaction was dropped and will not land.",
    TransactionState.EXPIRED: "The transaction did not land while it was valid.",
}


def _confirmed(order: Order, status: TransactionStatus) -> Step:
    assert status.amount_out is not None
    return order.step_to(
        OrderStatus.CONFIRMED,
        venue=order.venue,
        tx_signature=order.tx_signature,
        route=status.route,
        amount_out=status.amount_out,
        executed_price=price(
            order.amount_in,
            order.paid,
            status.amount_out,
            order.bought,
        ),
        fee=status.fee,
        slot=status.slot,
    )
