"""Take an order from PENDING to SUBMITTED: quote, choose, build, send."""

from uuid import UUID

import dramatiq
import structlog

from engine.amounts import min_amount_out
from engine.errors import EngineError, ErrorCode, RetryClass
from engine.logs import get_logger
from engine.order_status import OrderStatus
from engine.routing import BestRoute, NoQuote, best_route
from engine.simulation import NO_FAULTS
from engine.swap import Swap, VenueQuote
from engine.tokens import find_token
from models.order import Order
from models.step import Step
from tasks.abandon_order import ABANDON
from tasks.attempts import advance, end_attempt, lease_holder
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.resources import Resources, current_resources
from tasks.submit_order import submit_built

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="order.route",
    queue_name=ORDERS,
    priority=ORDER_PRIORITY,
    on_retry_exhausted=ABANDON,
)
async def route_order(order_id: str) -> None:
    """Route an order that is PENDING, or ROUTING with nobody at it, and send its transaction."""
    resources = current_resources(broker)
    order = await _take(UUID(order_id), resources)
    if order is None:
        return
    structlog.contextvars.bind_contextvars(request_id=order.request_id, attempt=order.attempts)
    compared: tuple[VenueQuote, ...] = ()
    try:
        best = await _choose(order, resources)
        compared = best.compared
        built = await _build(order, best, resources)
    except EngineError as error:
        compared = error.compared if isinstance(error, NoQuote) else compared
        await end_attempt(resources, order, error, compared)
        return
    if built is not None:
        await submit_built(built, resources)


async def _take(order_id: UUID, resources: Resources) -> Order | None:
    """Begin the first attempt, or the next one where it waits to be begun; None if not ours."""
    order = await resources.orders.get(order_id)
    holder = lease_holder()
    lease_ms = resources.settings.step_lease_ms
    if order is None:
        log.warning("order.unknown")
        return None
    if order.status is OrderStatus.PENDING:
        return await advance(
            resources,
            Step(
                order_id=order.id,
                sequence=order.sequence,
                previous=order.status,
                status=OrderStatus.ROUTING,
                attempt=1,
                lease_holder=holder,
                lease_ms=lease_ms,
            ),
        )
    if order.status is OrderStatus.ROUTING:
        return await resources.orders.claim(order, holder=holder, lease_ms=lease_ms)
    return None  # a message come twice, or late


async def _choose(order: Order, resources: Resources) -> BestRoute:
    settings = resources.settings
    simulation = order.simulation or NO_FAULTS
    swap = Swap(
        token_in=find_token(order.token_in),
        token_out=find_token(order.token_out),
        amount_in=order.amount_in,
        venues=tuple(order.venues),
        max_price_impact_bps=order.max_price_impact_bps,
        allow_split=order.allow_split,
        fault=simulation.fault(order.attempts),
        extra_latency_ms=simulation.extra_latency_ms,
    )
    return await best_route(
        swap,
        resources.venues,
        deadline_ms=settings.quote_timeout_ms,
        leg_cost_lamports=settings.leg_cost_lamports,
        avoid=_avoided(order),
    )


def _avoided(order: Order) -> list[str]:
    """Return the venue that failed the last attempt; one whose price moved away did not fail."""
    failure = order.failure
    if failure is None or failure.venue is None or failure.retry_class is not RetryClass.RETRY:
        return []
    return [failure.venue]


async def _build(order: Order, best: BestRoute, resources: Resources) -> Order | None:
    """Sign the transaction and store it before anybody can send it."""
    quote = best.quote
    floor = max(min_amount_out(quote.amount_out, order.slippage_bps), order.min_amount_out or 0)
    if quote.amount_out < floor:
        raise EngineError(
            ErrorCode.SLIPPAGE_EXCEEDED,
            "The best quote is below the least this order accepts.",
            context={"amount_out": quote.amount_out, "min_amount_out": floor},
        )
    venue = resources.venue(quote.venue)
    signed = await venue.build(
        quote, min_amount_out=floor, memo=str(order.id), nonce=order.attempts
    )
    return await advance(
        resources,
        Step(
            order_id=order.id,
            sequence=order.sequence,
            previous=order.status,
            status=OrderStatus.BUILDING,
            attempt=order.attempts,
            lease_holder=order.lease_holder,
            lease_ms=resources.settings.step_lease_ms,
            quotes=best.compared,
            route=quote.route,
            venue=quote.venue,
            quoted_price=quote.price,
            tx_signature=signed.signature,
            signed_transaction=signed.payload,
            last_valid_slot=signed.last_valid_slot,
            min_amount_out=floor,
        ),
    )
