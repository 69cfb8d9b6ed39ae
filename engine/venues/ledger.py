"""What a simulated venue needs of the chain under it."""

from collections.abc import Sequence
from typing import Protocol

from engine.errors import EngineError
from engine.pools.book import PoolBook
from engine.swaps.transaction import SignedTransaction, StatusReport


class LedgerAway(Exception):
    """The ledger cannot be reached just now: an outage of ours, and no venue's failure."""


class Ledger(Protocol):
    """The devnet's chain: shows its pools, takes signed transactions, says what became of them.

    Venues get one that raises LedgerAway in an outage.
    """

    async def slot(self) -> int:
        """Return the current slot."""

    async def book(self) -> PoolBook:
        """Return all pools as they are now, and the current slot."""

    async def submit(self, transaction: SignedTransaction) -> None:
        """Take a transaction once, however often it is sent; see Venue.submit."""

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        """Take each transaction once; None, or for each what `submit` would raise."""

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        """Return what is known of these signatures."""
