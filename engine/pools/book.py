"""All pools that settle on one chain, as they were at one slot."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engine.pools.listed import ListedPool
from engine.tokens import GENESIS, Token, TokenList

_NOMINAL_SLOT_MS = 400


@dataclass(frozen=True, slots=True)
class PoolBook:
    """A consistent view of the pools of `chain`, by their ids."""

    chain: str
    slot: int
    pools: Mapping[str, ListedPool]
    tokens: TokenList = GENESIS
    """What the tokens of these pools are called, and all others known at that slot."""

    @property
    def now(self) -> int:
        """The chain's time in seconds, for fees that decay."""
        return chain_seconds(self.slot)

    def of(self, venues: Collection[str]) -> "PoolBook":
        """Return the book with the pools of these venues only."""
        mine = {id: pool for id, pool in self.pools.items() if pool.venue in venues}
        return PoolBook(self.chain, self.slot, mine, self.tokens)

    def between(self, one: Token, other: Token) -> list[ListedPool]:
        """Return the pools that trade the two tokens, by id."""
        found = [
            pool
            for pool in self.pools.values()
            if (pool.token_x == one and pool.token_y == other)
            or (pool.token_x == other and pool.token_y == one)
        ]
        return sorted(found, key=lambda pool: pool.id)


def chain_seconds(slot: int) -> int:
    """Return the chain's time at a slot: slots of 400 ms, however fast they are run here.

    So a devnet that runs its slots faster ages its pools' fees faster, and a run repeats exactly.
    """
    return slot * _NOMINAL_SLOT_MS // 1000
