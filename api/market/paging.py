"""Stretches of lists that stand in memory, such as pools and tokens."""

from collections.abc import Callable, Iterable
from itertools import dropwhile, islice
from typing import TypeVar

from api.graphql.errors import InvalidArgument

T = TypeVar("T")

PAGE = 100
MOST = 500


def stretch(
    items: Iterable[T], id_of: Callable[[T], str], *, first: int | None, after: str | None
) -> list[T]:
    """Return the `first` items after the one of id `after`; InvalidArgument where there is none."""
    count = PAGE if first is None else first
    if not 0 <= count <= MOST:
        raise InvalidArgument(f"`first` is 0 to {MOST}.")
    if after is not None:
        found = list(dropwhile(lambda item: id_of(item) != after, items))
        if not found:
            raise InvalidArgument("`after` is the id of none of these.")
        items = found[1:]
    return list(islice(items, count))
