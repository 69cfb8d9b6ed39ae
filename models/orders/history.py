"""The statements of an account's history: pages by keyset, each a scan of one index or a few."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_, union_all

from engine.orders.status import TERMINAL
from models.orders.step import OrderFilter, Position
from models.orders.tables import Order

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_KEYS = (_ORDERS.c.created_at, _ORDERS.c.id)


def page_of_orders(
    account: str,
    wanted: OrderFilter,
    most: int,
    older_than: Position | None,
    newer_than: Position | None,
    oldest_first: bool,
) -> Select[Any]:
    """Select a stretch of an account's history, by keyset."""
    place = _between(older_than, newer_than)
    # Each branch brings its own first `most`, so that no index is read beyond the page; what comes
    # together is few, and put in order once more.
    found = union_all(
        *(
            _ordered(select(*_ORDERS.c).where(*branch, *place), oldest_first)
            .limit(most)
            .subquery()
            .select()
            for branch in _branches(account, wanted)
        )
    ).subquery()
    return _ordered(select(*found.c), oldest_first, found.c).limit(most)


def count_of_orders(account: str, wanted: OrderFilter, most: int) -> Select[Any]:
    """Select how many orders of an account hold to a filter, `most` where there are more."""
    some = union_all(
        *(
            select(_ORDERS.c.id).where(*branch).limit(most).subquery().select()
            for branch in _branches(account, wanted)
        )
    ).subquery()
    few = select(some.c.id).limit(most).subquery()
    return select(func.count().label("n")).select_from(few)


def _ordered(query: Select[Any], oldest_first: bool, columns: Any = _ORDERS.c) -> Select[Any]:
    keys = (columns.created_at, columns.id)
    return query.order_by(*(key.asc() if oldest_first else key.desc() for key in keys))


def _between(older_than: Position | None, newer_than: Position | None) -> list[ColumnElement[bool]]:
    types = [key.type for key in _KEYS]
    place = []
    if older_than is not None:
        place.append(tuple_(*_KEYS) < tuple_(older_than.created_at, older_than.id, types=types))
    if newer_than is not None:
        place.append(tuple_(*_KEYS) > tuple_(newer_than.created_at, newer_than.id, types=types))
    return place


def _branches(account: str, wanted: OrderFilter) -> Iterator[list[Any]]:
    """Yield the conditions of parts that have no order in common and all that is wanted together.

    Indexes hold the status and venue of what has ended, and none of what is under way: each status
    of the end is a scan of its own, in the order of the history, and what has not ended another.
    """
    common = _common(account, wanted)
    if wanted.statuses is None and wanted.venue is None:
        yield common
        return
    on_venue = [] if wanted.venue is None else [_ORDERS.c.ended_on == wanted.venue]
    if wanted.statuses is None:
        yield [*common, *on_venue]
    elif set(wanted.statuses) >= TERMINAL:
        yield [*common, _ORDERS.c.ended_as.is_not(None), *on_venue]
    else:
        for status in sorted(set(wanted.statuses) & TERMINAL):
            yield [*common, _ORDERS.c.ended_as == str(status), *on_venue]
    live = [*common, _ORDERS.c.ended_as.is_(None)]
    if wanted.statuses is not None:
        left = sorted(str(status) for status in set(wanted.statuses) - TERMINAL)
        if not left and wanted.statuses:
            return
        live.append(_ORDERS.c.status.in_(left))
    if wanted.venue is not None:
        live.append(_ORDERS.c.venue == wanted.venue)
    yield live


def _common(account: str, wanted: OrderFilter) -> list[Any]:
    equal = {"token_in": wanted.token_in, "token_out": wanted.token_out}
    conditions = [_ORDERS.c.account == account]
    conditions += [_ORDERS.c[name] == value for name, value in equal.items() if value is not None]
    if wanted.types is not None:
        conditions.append(_ORDERS.c.type.in_([str(value) for value in wanted.types]))
    if wanted.created_after is not None:
        conditions.append(_ORDERS.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(_ORDERS.c.created_at < wanted.created_before)
    return conditions
