"""One attempt for each of a group of orders that are ROUTING: quote, choose, build, store, send.

One order is a group of one. What one order's venues or figures do is its own affair; only an
outage, or a bug, is everybody's.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from engine.amounts import min_amount_out
from engine.errors import EngineError, ErrorCode, RetryClass
from engine.orders.status import OrderStatus, OrderType
from engine.swaps.swap import VenueQuote
from engine.swaps.transaction import SignedTransaction
from engine.venues.groups import BuildOrder, build_each, side_by_side
from engine.venues.routing import BestRoute, NoQuote, Wish, best_routes
from models.orders.step import Step
from models.orders.tables import Order
from tasks.attempts import PRICE_LEFT, failed_attempt
from tasks.sending import send_all
from wiring.resources import Resources


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A route for an order, and the least its fill may return."""

    order: Order
    best: BestRoute
    floor: int


async def make_attempts(orders: Sequence[Order], resources: Resources) -> list[Order]:
    """Make an attempt for each order; return those of which another is due now.

    Everything before SUBMITTED is stored before anything is sent: see tasks.sending.
    """
    # Every venue is asked once for the whole group, and one deadline holds for all its orders.
    routes = await _choose(orders, resources)
    steps: list[Step] = []
    chosen: list[_Chosen] = []
    for order, best in zip(orders, routes, strict=True):
        found = _require_floor(order, best) if isinstance(best, BestRoute) else best
        if isinstance(found, _Chosen):
            chosen.append(found)
        else:
            steps.append(_without_route(order, found, resources))
    for found, signed in await _build(chosen, resources):
        if isinstance(signed, EngineError):
            steps.append(_without_route(found.order, signed, resources, found.best.compared))
        else:
            steps.append(_submitted(found, signed, resources))
    # Those with a route and those without are stored together. What somebody canceled meanwhile is
    # not among the moved, and so is never sent.
    moved = await resources.door.advance_all(steps)
    dead = await send_all([o for o in moved if o.status is OrderStatus.SUBMITTED], resources)
    return [*(o for o in moved if o.status is OrderStatus.ROUTING), *dead]


async def _choose(
    orders: Sequence[Order], resources: Resources
) -> Sequence[BestRoute | EngineError]:
    settings = resources.settings
    return await best_routes(
        [Wish(order.swap, _avoided(order)) for order in orders],
        resources.venues,
        deadline_ms=settings.quote_timeout_ms,
        leg_cost_lamports=settings.leg_cost_lamports,
    )


def _avoided(order: Order) -> list[str]:
    """Return the venue that failed the last attempt; one whose price moved away did not fail."""
    failure = order.failure
    if failure is None or failure.venue is None or failure.retry_class is not RetryClass.RETRY:
        return []
    return [failure.venue]


def _require_floor(order: Order, best: BestRoute) -> "_Chosen | _TooLittle":
    """Return the route with its floor, if it is worth building a transaction of."""
    floor, offered = order.min_amount_out or 0, best.quote.amount_out
    # A limit is a floor by itself: slippage must not allow for less.
    if order.type is not OrderType.LIMIT:
        floor = max(floor, min_amount_out(offered, order.slippage_bps))
    return _TooLittle(best, floor) if offered < floor else _Chosen(order, best, floor)


class _TooLittle(EngineError):
    """The best quote is below what the order accepts; `compared` says what each venue answered."""

    def __init__(self, best: BestRoute, floor: int) -> None:
        super().__init__(
            ErrorCode.SLIPPAGE_EXCEEDED,
            "The best quote is below the least this order accepts.",
            context={"amount_out": best.quote.amount_out, "min_amount_out": floor},
        )
        self.compared = best.compared
        self.price = best.quote.price


def _without_route(
    order: Order,
    error: EngineError,
    resources: Resources,
    compared: Sequence[VenueQuote] = (),
) -> Step:
    """Return the step of an order whose attempt came to nothing before anything was sent.

    A limit order whose price is gone again waits on: that is no failure.
    """
    if isinstance(error, NoQuote | _TooLittle):
        compared = error.compared
    if order.type is OrderType.LIMIT and error.code in PRICE_LEFT:
        # Attempt 0: what its price did to it is not held against it when the price is back.
        best: Decimal | None = error.price if isinstance(error, _TooLittle) else None
        return order.step_to(
            OrderStatus.WAITING_PRICE, attempt=0, quotes=tuple(compared) or None, best_price=best
        )
    return failed_attempt(order, error, resources, compared)


async def _build(
    chosen: Sequence[_Chosen], resources: Resources
) -> list[tuple[_Chosen, SignedTransaction | EngineError]]:
    """Sign each transaction, at the venue that each route belongs to."""
    at: dict[str, list[_Chosen]] = defaultdict(list)
    for found in chosen:
        at[found.best.quote.venue].append(found)
    built = await side_by_side(_build_at(venue, there, resources) for venue, there in at.items())
    signed: Mapping[UUID, SignedTransaction | EngineError] = {
        found.order.id: answer
        for there, answers in zip(at.values(), built, strict=True)
        for found, answer in zip(there, answers, strict=True)
    }
    return [(found, signed[found.order.id]) for found in chosen]


async def _build_at(
    venue: str, there: Sequence[_Chosen], resources: Resources
) -> Sequence[SignedTransaction | EngineError]:
    # The attempt is part of what is signed: the same swap once more has other bytes, for a chain
    # executes the same ones once.
    asked = [
        BuildOrder(found.best.quote, found.floor, str(found.order.id), found.order.attempts)
        for found in there
    ]
    return await build_each(resources.venue(venue), asked)


def _submitted(found: _Chosen, signed: SignedTransaction, resources: Resources) -> Step:
    """Return the step by way of BUILDING to SUBMITTED: signed, stored, and only then sent."""
    order, quote = found.order, found.best.quote
    return order.step_to(
        OrderStatus.SUBMITTED,
        # Still this message's: if its process dies before the bytes are out, the sweep counts a
        # lost sender.
        lease_holder=order.lease_holder,
        lease_ms=resources.settings.step_lease_ms,
        quotes=found.best.compared,
        route=quote.route,
        venue=quote.venue,
        quoted_price=quote.price,
        tx_signature=signed.signature,
        signed_transaction=signed.payload,
        last_valid_slot=signed.last_valid_slot,
        min_amount_out=found.floor,
    )
