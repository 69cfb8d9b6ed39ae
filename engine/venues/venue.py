"""The protocol a venue speaks; a real one plugs in where a simulated one stands."""

from collections.abc import Sequence
from typing import Protocol

from engine.swaps.swap import Quote, Swap
from engine.swaps.transaction import SignedTransaction, StatusReport
from engine.tokens import Token

MAX_SIGNATURES_PER_CALL = 256
"""How many signatures `statuses` takes at once, as getSignatureStatuses of Solana's RPC does."""


class Venue(Protocol):
    """A place that quotes, builds, takes and reports swaps.

    Expected trouble is an EngineError with the venue's id, whose code says what to do about it.
    Everywhere: VENUE_UNAVAILABLE, VENUE_TIMEOUT, VENUE_RATE_LIMITED, VENUE_REJECTED. Anything else
    it raises, and an answer that is none, counts as VENUE_UNAVAILABLE; 5 s without an answer as
    VENUE_TIMEOUT (see GuardedVenue). Only what blocks the event loop holds up others. Amounts are
    integers, in atoms. `order-engine venue-check` holds a venue to what is said here.
    """

    @property
    def id(self) -> str:
        """A short stable name, e.g. ``raydium``: that of its entry point."""

    @property
    def name(self) -> str:
        """The name people know it by."""

    @property
    def simulated(self) -> bool:
        """Whether nothing of value moves here."""

    async def healthy(self) -> bool:
        """Say whether the venue would answer a quote now."""

    async def trades(self, token_in: Token, token_out: Token) -> bool:
        """Say whether there is any way from one token to the other, at whatever price."""

    async def quote(self, swap: Swap) -> Quote:
        """Return what the venue would give for `swap` now, fees taken.

        Raises NO_ROUTE where it does not trade the pair, and INSUFFICIENT_LIQUIDITY, ZERO_OUTPUT
        or AMOUNT_OUT_OF_RANGE for an amount it cannot do. Pools that hold less than the swap's
        `min_liquidity` take no part: INSUFFICIENT_LIQUIDITY where all do.

        A venue that settles on the devnet may show its pools as the quote's `book`, or with a
        NotAlone: then an order can be divided among it and others of the same chain, in one
        transaction that the venue of the biggest part builds.
        """

    async def build(
        self, quote: Quote, *, min_amount_out: int, memo: str, nonce: int
    ) -> SignedTransaction:
        """Return a signed transaction for `quote` that never fills below `min_amount_out` atoms.

        Sends nothing. The signature is a function of the bytes; another memo or nonce gives others.
        Raises QUOTE_EXPIRED for a quote too old.
        """

    async def submit(self, transaction: SignedTransaction) -> None:
        """Send the bytes. Idempotent by signature: sending them again changes nothing.

        After 5 s without an answer, or with any other error, they are sent again in a while, until
        `statuses` knows them or they can no longer land.

        Raises TRANSACTION_EXPIRED, or a code of class FATAL, only where the venue has never taken
        these bytes and never will: proof that the transaction is dead.
        """

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        """Return what became of at most 256 transactions within 5 s; unknown ones are left out.

        The slot never falls. What is unknown in a report past its last valid slot never lands
        later; what landed stays known for as long as anybody may ask.
        """
