"""What a waiting limit order would get now, shown between its events."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from engine.amounts import price
from engine.orders.event import OrderEvent
from engine.orders.status import OrderStatus
from engine.orders.triggers import Look
from models.orders.tables import Order
from wiring.resources import Resources


async def with_best_prices(
    events: AsyncGenerator[OrderEvent, None], order: Order, resources: Resources
) -> AsyncGenerator[tuple[OrderEvent, bool], None]:
    """Yield an order's events with True and, while it waits for its price, live ones with False.

    A live one repeats the last sequence and carries the best price of the moment.
    """
    status, sequence = order.status, order.sequence
    interval = resources.settings.best_price_interval_ms / 1000
    following = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            waits = status is OrderStatus.WAITING_PRICE
            # The same question goes on beyond the interval: cancelled, it would end the generator.
            await asyncio.wait({following}, timeout=interval if waits else None)
            if not following.done():
                if live := await _best_price(order, sequence, resources):
                    yield live, False
                continue
            event = following.result()
            if event is None:
                return
            status, sequence = event.status, event.sequence
            yield event, True
            following = asyncio.ensure_future(anext(events, None))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _best_price(order: Order, sequence: int, resources: Resources) -> OrderEvent | None:
    """Return a live event with the executable price of the whole order; None without a route."""
    book = await resources.ledger.book()
    look = Look(book, leg_cost_lamports=resources.settings.leg_cost_lamports)
    path = look.quote(order.swap)
    if path is None:
        return None
    swap = order.swap
    return OrderEvent(
        order_id=order.id,
        sequence=sequence,
        status=OrderStatus.WAITING_PRICE,
        attempt=0,
        occurred_at=datetime.now(UTC),
        best_price=price(swap.amount_in, swap.token_in, path.amount_out, swap.token_out),
    )
