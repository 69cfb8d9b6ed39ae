"""Take an order from PENDING to SUBMITTED: wait where it must, quote, choose, build, send."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import dramatiq
import structlog

from engine.amounts import format_amount, min_amount_out
from engine.errors import EngineError, ErrorCode, RetryClass
from engine.orders.status import OrderStatus, OrderType
from engine.swaps.swap import VenueQuote
from engine.venues.routing import BestRoute, NoQuote, best_route
from models.orders.step import Step
from models.orders.tables import Order
from tasks.abandon_order import ABANDON
from tasks.attempts import PRICE_LEFT, ROUTE, end_attempt, lease_holder
from tasks.broker import ORDER_PRIORITY, ORDERS, broker
from tasks.open_resources import current_resources
from tasks.sending import submit_built
from tasks.triggers import WAITS, look_at_market
from wiring.logs import get_logger
from wiring.resources import Resources

log = get_logger(__name__)


@dramatiq.actor(
    actor_name=ROUTE,
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
        if order.type is OrderType.LIMIT and best.quote.amount_out < (order.min_amount_out or 0):
            await _wait_again(order, resources, compared, best.quote.price)
            return
        built = await _build(order, best, resources)
    except EngineError as error:
        compared = error.compared if isinstance(error, NoQuote) else compared
        if order.type is OrderType.LIMIT and error.code in PRICE_LEFT:
            await _wait_again(order, resources, compared)
        else:
            await end_attempt(resources, order, error, compared)
        return
    if built is not None:
        await submit_built(built, resources)


async def _take(order_id: UUID, resources: Resources) -> Order | None:
    """Begin the first attempt, or the next one where it waits to be begun; None if not ours."""
    order = await resources.orders.get(order_id)
    if order is None:
        log.warning("order.unknown")
        return None
    if order.status is OrderStatus.ROUTING:
        return await resources.orders.claim(
            order, holder=lease_holder(), lease_ms=resources.settings.step_lease_ms
        )
    if order.status is not OrderStatus.PENDING:
        return None  # a message come twice, or late
    if order.type is OrderType.MARKET:
        return await resources.door.advance(_begin(order, resources))
    return await _rest(order, resources)


async def _rest(order: Order, resources: Resources) -> Order | None:
    """Let an order wait for its price or pool; go on at once where it need not."""
    waits_for, trigger = WAITS[order.type]
    waiting = await resources.door.advance(order.step_to(waits_for))
    if waiting is None:
        return None
    step = trigger(waiting, await look_at_market(resources))
    if step is None:
        return None
    return await resources.door.advance(step.model_copy(update=_lease(resources)))


async def _wait_again(
    order: Order,
    resources: Resources,
    quotes: Sequence[VenueQuote],
    best_price: Decimal | None = None,
) -> None:
    """Send a limit order back to waiting: its price is gone again, which is no failure."""
    step = order.step_to(
        OrderStatus.WAITING_PRICE, attempt=0, quotes=tuple(quotes), best_price=best_price
    )
    await resources.door.advance(step)


def _begin(order: Order, resources: Resources) -> Step:
    return order.step_to(OrderStatus.ROUTING, attempt=1, **_lease(resources))


def _lease(resources: Resources) -> dict[str, Any]:
    return {"lease_holder": lease_holder(), "lease_ms": resources.settings.step_lease_ms}


async def _choose(order: Order, resources: Resources) -> BestRoute:
    settings = resources.settings
    return await best_route(
        order.swap,
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
    floor = order.min_amount_out or 0
    if order.type is not OrderType.LIMIT:
        floor = max(floor, min_amount_out(quote.amount_out, order.slippage_bps))
    if quote.amount_out < floor:
        bought = order.swap.token_out
        raise EngineError(
            ErrorCode.SLIPPAGE_EXCEEDED,
            f"The best quote is {format_amount(quote.amount_out, bought)} {bought.symbol}; this "
            f"order accepts {format_amount(floor, bought)} or more.",
            context={"amount_out": quote.amount_out, "min_amount_out": floor},
        )
    venue = resources.venue(quote.venue)
    signed = await venue.build(
        quote, min_amount_out=floor, memo=str(order.id), nonce=order.attempts
    )
    return await resources.door.advance(
        order.step_to(
            OrderStatus.BUILDING,
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
