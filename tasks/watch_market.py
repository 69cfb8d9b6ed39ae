"""Wake the orders that wait for a price or a pool, in price-time order, and end those too old."""

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction

import dramatiq

from engine.amounts import price
from engine.orders.sniper import least_out_below
from engine.orders.status import OrderStatus
from engine.orders.triggers import Look
from engine.tokens import TOKENS, token_or_stranger
from models.database import Lock, only_one
from models.orders.step import Step
from models.orders.tables import Order
from tasks.attempts import advance_all, never, route_again
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.resources import Resources, current_resources
from wiring.logs import get_logger

_PAGE = 500
_AT_A_STRETCH = 25

Trigger = Callable[[Order, Look], Step | None]
NextPage = Callable[[Order | None], Awaitable[list[Order]]]

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="orders.watch", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def watch_market() -> None:
    """Look at the market once; one look at a time, the next slot makes up for others."""
    resources = current_resources(broker)
    async with only_one(resources.database, Lock.WATCHING) as alone:
        if alone:
            await _expire(resources)
            look = await look_at_market(resources)
            await _watch_prices(look, resources)
            await _watch_pools(look, resources)


async def look_at_market(resources: Resources) -> Look:
    """Return the market as it is now, for one look."""
    book = await resources.ledger.book()
    return Look(book, leg_cost_lamports=resources.settings.leg_cost_lamports)


def limit_met(order: Order, look: Look) -> Step | None:
    """Return the step of a limit order whose whole size gets its price now."""
    swap = order.swap
    path = look.quote(swap)
    if path is None or path.amount_out < (order.min_amount_out or 1):
        return None
    look.take(path)
    executable = price(swap.amount_in, swap.token_in, path.amount_out, swap.token_out)
    return order.step_to(OrderStatus.ROUTING, attempt=1, best_price=executable)


def pool_found(order: Order, look: Look) -> Step | None:
    """Return the step of a sniper order whose pool is there, deep and cheap enough."""
    swap = order.swap
    path = look.quote(swap)
    if path is None:
        return None
    floor = None
    if order.max_price is not None:
        most = Fraction(order.max_price)
        floor = least_out_below(most, swap.amount_in, swap.token_in, swap.token_out)
        if path.amount_out < floor:
            return None
    look.take(path)
    launched = tuple(t for t in (swap.token_in, swap.token_out) if t not in TOKENS)
    return order.step_to(
        OrderStatus.ROUTING, attempt=1, min_amount_out=floor, launched_tokens=launched or None
    )


async def _watch_prices(look: Look, resources: Resources) -> None:
    waiting = resources.waiting
    for pair in await waiting.pairs(OrderStatus.WAITING_PRICE):
        best = look.best_price(*(token_or_stranger(mint) for mint in pair))
        if best is not None:
            await _wake(
                lambda last, pair=pair, best=best: waiting.near_price(  # type: ignore[misc]
                    *pair, best=best, after=last, most=_PAGE
                ),
                limit_met,
                look,
                resources,
            )


async def _watch_pools(look: Look, resources: Resources) -> None:
    waiting = resources.waiting
    for pair in await waiting.pairs(OrderStatus.WAITING_POOL):
        if look.best_price(*(token_or_stranger(mint) for mint in pair)) is not None:
            await _wake(
                lambda last, pair=pair: waiting.for_pool(  # type: ignore[misc]
                    *pair, after=last, most=_PAGE
                ),
                pool_found,
                look,
                resources,
            )


async def _wake(next_page: NextPage, trigger: Trigger, look: Look, resources: Resources) -> None:
    """Begin an attempt for each order that the trigger lets go, page by page."""
    # Many may be woken at once: only those whose message is lost are the sweep's.
    lease_ms = resources.settings.retry_max_backoff_ms + resources.settings.step_lease_ms
    last: Order | None = None
    while page := await next_page(last):
        steps = []
        for n, order in enumerate(page, 1):
            if step := trigger(order, look):
                steps.append(step.model_copy(update={"lease_ms": lease_ms}))
            if n % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # others share this event loop
        for order in await advance_all(resources, steps):
            route_again(order, resources)
        last = page[-1]
        if len(page) < _PAGE:
            break


async def _expire(resources: Resources) -> None:
    while overdue := await resources.waiting.expired(most=_PAGE):
        await advance_all(resources, [order.step_to(OrderStatus.EXPIRED) for order in overdue])
        if len(overdue) < _PAGE:
            break
