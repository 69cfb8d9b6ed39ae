"""The simulated venues on a chain that stands still."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.devnet.chain import Rules
from engine.devnet.genesis import genesis_pools
from engine.devnet.launch import read_launch
from engine.errors import EngineError
from engine.pools.book import PoolBook
from engine.pools.listed import ListedPool
from engine.swaps.simulation import VenueFaults
from engine.swaps.swap import Swap
from engine.swaps.transaction import SignedTransaction, StatusReport
from engine.tokens import GENESIS, SOL, USDC, Token
from engine.venues.simulated import SimulatedVenue

SWAP = Swap(SOL, USDC, 10**9)
DEADLINE_MS = 1_000


class FixedLedger:
    """A chain that stands still."""

    def __init__(self, slot: int = 1) -> None:
        self.now = slot
        self.pools: Any = {pool.id: pool for pool in genesis_pools()}

    async def slot(self) -> int:
        return self.now

    async def book(self) -> PoolBook:
        return PoolBook("devnet", self.now, self.pools)

    async def submit(self, transaction: SignedTransaction) -> None:
        raise AssertionError("nothing is sent here")

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        raise AssertionError("nothing is sent here")

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        raise AssertionError("nothing is asked here")


def simulated(
    *ids: str, ledger: FixedLedger | None = None, faults: Mapping[str, VenueFaults] | None = None
) -> list[SimulatedVenue]:
    rules = Rules("test", market_moves=False, faults=faults or {})
    return [
        SimulatedVenue(
            id,
            id.title(),
            ledger or FixedLedger(),
            rules,
            quote_latency_ms=0,
            quote_validity_slots=10,
            validity_slots=150,
        )
        for id in ids
    ]


NEW = Token("NEW", "NewTokenMint1111111111111111111111111111111", 6, "NEW")


def launched(
    venue: str, token: Token, reserve: str, quote_reserve: str, quote: str = "USDC"
) -> ListedPool:
    return read_launch(
        GENESIS,
        venue=venue,
        mint=token.mint,
        symbol=token.symbol,
        decimals=token.decimals,
        quote_token=quote,
        reserve=reserve,
        quote_reserve=quote_reserve,
    )


BIG = Swap(SOL, USDC, 500 * 10**9)
BOTH = ("meteora", "raydium")
