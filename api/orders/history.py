"""Pages of the order history, forward and backward."""

from dataclasses import dataclass
from uuid import UUID

from api.graphql.context import ACCOUNT, Info, Services
from api.graphql.errors import InvalidArgument
from api.graphql.inputs import OrderFilter
from api.graphql.order_types import Order, OrderConnection, OrderEdge, PageInfo
from api.market.tokens import require_token_or_mint
from api.orders.cursor import Cursors
from engine.orders.status import TERMINAL, OrderStatus
from models.orders import step
from models.orders import tables as models
from models.orders.store import OrderStore

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
_MOST_COUNTED = 10_000
_GREATEST_ID = 2**128 - 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which stretch of the list: `size` orders from its newest end, or from its oldest."""

    size: int
    from_oldest: bool
    older_than: step.Position | None
    newer_than: step.Position | None


async def order_history(
    info: Info,
    wanted: step.OrderFilter,
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> OrderConnection:
    """Return a page as the Relay connection specification says. Raises InvalidArgument."""
    services = info.context.services
    cursors = Cursors(ACCOUNT, wanted)
    size, from_oldest = _size(first, last)
    page = Stretch(
        size=size,
        from_oldest=from_oldest,
        older_than=cursors.decode(after, "after"),
        newer_than=cursors.decode(before, "before"),
    )
    orders, has_next, has_previous = await _read(services.orders, wanted, page)
    edges = [
        OrderEdge(cursor=cursors.encode(_position(order)), node=Order.from_model(order, info))
        for order in orders
    ]

    async def count() -> int | None:
        found = await services.orders.count(ACCOUNT, wanted, most=_MOST_COUNTED + 1)
        return found if found <= _MOST_COUNTED else None

    return OrderConnection(
        _count=count,
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=has_next,
            has_previous_page=has_previous,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


async def order_filter(given: OrderFilter | None, services: Services) -> step.OrderFilter:
    """Return the filter in the store's terms. Raises InvalidArgument for an unknown token."""
    if given is None:
        return step.OrderFilter()
    statuses: set[OrderStatus] | None = None if given.status is None else set(given.status)
    if given.is_terminal is not None:
        ended = set(TERMINAL) if given.is_terminal else set(OrderStatus) - TERMINAL
        statuses = ended if statuses is None else statuses & ended
    return step.OrderFilter(
        statuses=None if statuses is None else tuple(sorted(statuses)),
        types=None if given.type is None else tuple(sorted(set(given.type))),
        token_in=await _mint(given.token_in, "tokenIn", services),
        token_out=await _mint(given.token_out, "tokenOut", services),
        venue=_venue_id(given.venue),
        created_after=given.created_after,
        created_before=given.created_before,
    )


async def _read(
    store: OrderStore, wanted: step.OrderFilter, page: Stretch
) -> tuple[list[models.Order], bool, bool]:
    """Return a page newest first, and whether there is more after and before it.

    There is where the page was cut short at that end, and where something lies beyond the cursor
    that bounds it there: the cursor's own order, or any further on.
    """
    # One more than asked for says whether there is more, without a count.
    orders = await store.page(
        ACCOUNT,
        wanted,
        most=page.size + 1,
        older_than=page.older_than,
        newer_than=page.newer_than,
        oldest_first=page.from_oldest,
    )
    is_cut, orders = len(orders) > page.size, orders[: page.size]
    if page.from_oldest:
        orders.reverse()
    has_next, has_previous = is_cut and not page.from_oldest, is_cut and page.from_oldest
    if page.newer_than is not None and not has_next:
        place = _next_to(page.newer_than, 1)
        has_next = bool(await store.page(ACCOUNT, wanted, most=1, older_than=place))
    if page.older_than is not None and not has_previous:
        place = _next_to(page.older_than, -1)
        newer = await store.page(ACCOUNT, wanted, most=1, newer_than=place, oldest_first=True)
        has_previous = bool(newer)
    return orders, has_next, has_previous


def _next_to(position: step.Position, distance: int) -> step.Position:
    """Return the position so near that only `position` itself lies between it and the rest."""
    id = min(max(position.id.int + distance, 0), _GREATEST_ID)
    return step.Position(position.created_at, UUID(int=id))


def _size(first: int | None, last: int | None) -> tuple[int, bool]:
    if first is not None and last is not None:
        raise InvalidArgument("Give `first` or `last`, not both.")
    name, size = ("last", last) if last is not None else ("first", first)
    size = PAGE_SIZE if size is None else size
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise InvalidArgument(f"`{name}` is 0 to {MAX_PAGE_SIZE}.")
    return size, last is not None


def _position(order: models.Order) -> step.Position:
    return step.Position(order.created_at, order.id)


async def _mint(symbol_or_mint: str | None, field: str, services: Services) -> str | None:
    if symbol_or_mint is None:
        return None
    try:
        return (await require_token_or_mint(symbol_or_mint, services)).mint
    except InvalidArgument as error:
        raise InvalidArgument(f"filter.{field}: {error.message}") from None


def _venue_id(id: str | None) -> str | None:
    # Some text cannot even be asked of Postgres, such as NUL.
    if id is not None and not (id.isascii() and id.isprintable()):
        raise InvalidArgument("filter.venue: No venue has this id.")
    return id


def is_wanted(status: OrderStatus, order: models.Order, wanted: step.OrderFilter) -> bool:
    """Say of an order, and of the status an event of it reached, what the history's SQL says."""
    return (
        (wanted.statuses is None or status in wanted.statuses)
        and (wanted.types is None or order.type in wanted.types)
        and wanted.token_in in (None, order.token_in)
        and wanted.token_out in (None, order.token_out)
        and wanted.venue in (None, order.venue)
        and (wanted.created_after is None or order.created_at > wanted.created_after)
        and (wanted.created_before is None or order.created_at < wanted.created_before)
    )
