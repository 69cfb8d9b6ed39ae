"""Wake the orders that wait for a price or a pool, in price-time order, and end those too old."""

import asyncio
from collections.abc import Awaitable, Callable

from engine.orders.status import OrderStatus
from engine.orders.triggers import Look
from models.orders.step import Step
from models.orders.tables import Order
from tasks.attempts import route_again
from tasks.triggers import limit_met, look_at_market, pool_found
from wiring.resources import Resources

_PAGE = 500
_AT_A_STRETCH = 25

Trigger = Callable[[Order, Look], Step | None]
NextPage = Callable[[Order | None], Awaitable[list[Order]]]


async def watch(resources: Resources) -> None:
    """Look at the market once: end what is too old, wake what it has come to."""
    await _expire(resources)
    look = await look_at_market(resources)
    await _watch_prices(look, resources)
    await _watch_pools(look, resources)


async def _watch_prices(look: Look, resources: Resources) -> None:
    waiting = resources.waiting
    for pair in await waiting.pairs(OrderStatus.WAITING_PRICE):
        best = look.best_price(*(look.book.tokens.of_mint(mint) for mint in pair))
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
        if look.best_price(*(look.book.tokens.of_mint(mint) for mint in pair)) is not None:
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
        for order in await resources.door.advance_all(steps):
            route_again(order, resources)
        last = page[-1]
        if len(page) < _PAGE:
            break


async def _expire(resources: Resources) -> None:
    while overdue := await resources.waiting.expired(most=_PAGE):
        await resources.door.advance_all([order.step_to(OrderStatus.EXPIRED) for order in overdue])
        if len(overdue) < _PAGE:
            break
