"""All pools that settle on one chain, as they were at one slot, found by the pair they trade."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from engine.pools.listed import ListedPool
from engine.tokens import GENESIS, Token, TokenList

T = TypeVar("T")

_NOMINAL_SLOT_MS = 400
_MOST_REMEMBERED = 4_096


class Pools(Mapping[str, ListedPool]):
    """Pools by id and by pair. They never change; what did is in those of `with_changed`."""

    def __init__(self, pools: Mapping[str, ListedPool]) -> None:
        self._by_id: dict[str, ListedPool] = {}
        self._by_pair: dict[tuple[Token, Token], tuple[ListedPool, ...]] = {}
        self.remembered: dict[Hashable, Any] = {}
        """What books of these pools worked out; see PoolBook.once."""
        self._place(pools.values())

    def __getitem__(self, id: str) -> ListedPool:
        return self._by_id[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def with_changed(self, changed: Iterable[ListedPool]) -> "Pools":
        """Return these pools with others added, or put in the place of those of the same ids."""
        # The maps are copied and the pools shared: a slot changes few of many.
        pools = Pools({})
        pools._by_id, pools._by_pair = self._by_id.copy(), self._by_pair.copy()
        pools._place(changed)
        return pools

    def between(self, one: Token, other: Token) -> tuple[ListedPool, ...]:
        """Return the pools that trade the two tokens, by id."""
        return self._by_pair.get((one, other), ())

    def _place(self, changed: Iterable[ListedPool]) -> None:
        for pool in changed:
            self._by_id[pool.id] = pool
            x, y = pool.token_x, pool.token_y
            beside = (other for other in self.between(x, y) if other.id != pool.id)
            found = tuple(sorted((*beside, pool), key=_by_id))
            self._by_pair[x, y] = self._by_pair[y, x] = found


class PoolBook:
    """A consistent view of the pools of `chain`, by their ids; of some venues' only after `of`."""

    def __init__(
        self,
        chain: str,
        slot: int,
        pools: Mapping[str, ListedPool],
        tokens: TokenList = GENESIS,
    ) -> None:
        self.chain = chain
        self.slot = slot
        self.tokens = tokens
        """What the tokens of these pools are called, and all others known at that slot."""
        whole = pools if isinstance(pools, Pools) else Pools(pools)
        self._parts: tuple[_Part, ...] = ((whole, None),)
        self._remembered = whole.remembered

    @property
    def now(self) -> int:
        """The chain's time in seconds, for fees that decay."""
        return chain_seconds(self.slot)

    @property
    def pools(self) -> Mapping[str, ListedPool]:
        """All pools by id. With many it takes its time: `between` is for those of a pair."""
        if len(self._parts) == 1 and self._parts[0][1] is None:
            return self._parts[0][0]
        return {
            id: pool for part in self._parts for id, pool in part[0].items() if _is_in(part, pool)
        }

    def of(self, venues: Collection[str]) -> "PoolBook":
        """Return the book with the pools of these venues only."""
        wanted = frozenset(venues)
        return self._with(
            [(pools, wanted if shown is None else wanted & shown) for pools, shown in self._parts]
        )

    @classmethod
    def together(cls, books: Sequence["PoolBook"]) -> "PoolBook":
        """Return the pools of one chain's books as one book.

        Of a pool that several show it has the newest; of one slot, that of the last book.
        """
        oldest_first = sorted(books, key=lambda book: book.slot)
        parts: dict[int, _Part] = {}
        for book in oldest_first:
            # Venues of one devnet show parts of the very same pools: joined, they are searched
            # once.
            for pools, shown in book._parts:
                _, before = parts.get(id(pools), (pools, frozenset()))
                both = None if shown is None or before is None else before | shown
                parts[id(pools)] = pools, both
        return oldest_first[-1]._with(list(parts.values()))

    def between(self, one: Token, other: Token) -> Sequence[ListedPool]:
        """Return the pools that trade the two tokens, by id."""
        if len(self._parts) == 1:
            [(pools, shown)] = self._parts
            found = pools.between(one, other)
            return found if shown is None else [pool for pool in found if pool.venue in shown]
        newest = {
            pool.id: pool
            for part in self._parts
            for pool in part[0].between(one, other)
            if _is_in(part, pool)
        }
        return sorted(newest.values(), key=_by_id)

    def once(self, about: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` makes of `about` and of these pools alone; asked again, remembered.

        All books of the same pools and venues share it, however many slots they stand still.
        """
        key = (self._parts[0][1], about)
        if key not in self._remembered:
            if len(self._remembered) >= _MOST_REMEMBERED:
                # All at once, and seldom: what is wanted again is soon there again.
                self._remembered.clear()
            self._remembered[key] = work()
        found: T = self._remembered[key]
        return found

    def _with(self, parts: Sequence["_Part"]) -> "PoolBook":
        book = PoolBook(self.chain, self.slot, parts[0][0], self.tokens)
        book._parts = tuple(parts)
        if len(parts) > 1:
            # What was worked out of the first pools alone is not true of these together.
            book._remembered = {}
        return book


_Part = tuple[Pools, frozenset[str] | None]
"""Pools, and the venues whose pools of them are shown: None for all."""


def chain_seconds(slot: int) -> int:
    """Return the chain's time at a slot: slots of 400 ms, however fast they are run here.

    So a devnet that runs its slots faster ages its pools' fees faster, and a run repeats exactly.
    """
    return slot * _NOMINAL_SLOT_MS // 1000


def _is_in(part: _Part, pool: ListedPool) -> bool:
    return part[1] is None or pool.venue in part[1]


def _by_id(pool: ListedPool) -> str:
    return pool.id
