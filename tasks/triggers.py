"""Whether a waiting order may go on: asked when it begins to wait, and at every look."""

from fractions import Fraction

from engine.amounts import price
from engine.orders.sniper import least_out_below
from engine.orders.status import OrderStatus, OrderType
from engine.orders.triggers import Look
from engine.tokens import is_launched
from models.orders.step import Step
from models.orders.tables import Order
from wiring.resources import Resources


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
    swap = order.swap_by(look.book.tokens)
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
    launched = tuple(t for t in (swap.token_in, swap.token_out) if is_launched(t))
    return order.step_to(
        OrderStatus.ROUTING, attempt=1, min_amount_out=floor, launched_tokens=launched or None
    )


WAITS = {
    OrderType.LIMIT: (OrderStatus.WAITING_PRICE, limit_met),
    OrderType.SNIPER: (OrderStatus.WAITING_POOL, pool_found),
}
"""Where an order of each type waits, and what lets it go on."""
