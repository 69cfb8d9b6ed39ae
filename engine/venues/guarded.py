"""A venue behind a guard: whatever it does wrong is its own failure, and nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from engine.errors import EngineError, ErrorCode
from engine.swaps.swap import Quote, Swap
from engine.swaps.transaction import (
    SignedTransaction,
    StatusReport,
    TransactionState,
    TransactionStatus,
)
from engine.tokens import Token
from engine.venues.answers import (
    Unsound,
    plain,
    sound_quote,
    sound_report,
    sound_status,
    sound_transaction,
)
from engine.venues.groups import BuildOrder, GroupVenue, answers_many
from engine.venues.ledger import LedgerAway
from engine.venues.venue import Venue

T = TypeVar("T")
R = TypeVar("R")

ANSWER_SECONDS = 5.0
"""How long a venue may take for anything but its quote, whose deadline the router sets."""

HEALTH_SECONDS = 2.0

OnFault = Callable[[str, str, BaseException], None]
"""Hears of a venue's id, what it was asked, and what it did that no venue should do."""


class GuardedVenue:
    """See Venue. What the venue within raises, or an answer that is none, is an EngineError of it.

    A silent venue is VENUE_TIMEOUT, every other surprise VENUE_UNAVAILABLE; its own EngineErrors
    stay what they are. An outage of our ledger beneath it, LedgerAway, is not its failure.
    """

    def __init__(
        self, venue: Venue, *, on_fault: OnFault, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.within = venue
        self.id = venue.id
        # What a plug-in calls itself goes into pages and logs.
        self.name = plain(str(getattr(venue, "name", venue.id)))
        self.simulated = getattr(venue, "simulated", False) is True
        self._on_fault = on_fault
        self._answer_seconds = answer_seconds

    async def healthy(self) -> bool:
        """Say whether it would answer now; False where it cannot say so itself in time."""
        try:
            return (
                await _answer(self.within.healthy, min(HEALTH_SECONDS, self._answer_seconds))
                is True
            )
        except Exception:
            return False

    async def trades(self, token_in: Token, token_out: Token) -> bool:
        async def ask() -> bool:
            answer = await self.within.trades(token_in, token_out)
            if not isinstance(answer, bool):
                raise Unsound("neither yes nor no")
            return answer

        return await self._ask("trades", ask, self._answer_seconds)

    async def quote(self, swap: Swap) -> Quote:
        async def ask() -> Quote:
            return sound_quote(await self.within.quote(swap), swap, self.id)

        # No deadline of its own: the router's is the one for quotes.
        return await self._ask("quote", ask, None)

    async def build(
        self, quote: Quote, *, min_amount_out: int, memo: str, nonce: int
    ) -> SignedTransaction:
        async def ask() -> SignedTransaction:
            return sound_transaction(
                await self.within.build(
                    quote, min_amount_out=min_amount_out, memo=memo, nonce=nonce
                )
            )

        return await self._ask("build", ask, self._answer_seconds)

    @property
    def answers_many(self) -> bool:
        """Whether the venue within does, as it is set up."""
        return answers_many(self.within)

    async def quote_many(self, swaps: Sequence[Swap]) -> Sequence[Quote | EngineError]:
        async def ask() -> Sequence[Quote | EngineError]:
            said = await self._group.quote_many(swaps)
            # Strict: with an answer too few nobody knows whose it is, so the group as a whole has
            # none.
            return [
                self._each("quote", answer, partial(sound_quote, swap=swap, venue=self.id))
                for answer, swap in zip(said, swaps, strict=True)
            ]

        return await self._or_each("quote", ask, len(swaps), None)

    async def build_many(
        self, asked: Sequence[BuildOrder]
    ) -> Sequence[SignedTransaction | EngineError]:
        async def ask() -> Sequence[SignedTransaction | EngineError]:
            said = await self._group.build_many(asked)
            return [
                self._each("build", answer, sound_transaction)
                for answer, _ in zip(said, asked, strict=True)
            ]

        return await self._or_each("build", ask, len(asked), self._answer_seconds)

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        async def ask() -> Sequence[EngineError | None]:
            said = await self._group.submit_many(transactions)
            return [
                self._each("submit", answer, lambda _: None)
                for answer, _ in zip(said, transactions, strict=True)
            ]

        return await self._or_each("submit", ask, len(transactions), self._answer_seconds)

    async def submit(self, transaction: SignedTransaction) -> None:
        await self._ask("submit", lambda: self.within.submit(transaction), self._answer_seconds)

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        """Return what the venue tells. A status that makes no sense is PENDING.

        So its order is asked about again: it is neither ended by nonsense nor, as one that the
        venue does not know, sent anew.
        """

        async def ask() -> StatusReport:
            report = sound_report(await self.within.statuses(signatures))
            known = {id: report.statuses[id] for id in signatures if id in report.statuses}
            return StatusReport(
                report.slot, {id: self._sound_or_pending(told) for id, told in known.items()}
            )

        return await self._ask("statuses", ask, self._answer_seconds)

    def _sound_or_pending(self, status: TransactionStatus) -> TransactionStatus:
        try:
            return sound_status(status)
        except Exception as error:
            self._on_fault(self.id, "statuses", error)
            return TransactionStatus(TransactionState.PENDING)

    @property
    def _group(self) -> GroupVenue:
        assert answers_many(self.within)
        return self.within

    def _each(self, what: str, answer: T | EngineError, sound: Callable[[T], R]) -> R | EngineError:
        """Return one answer of many, if it is sound, or what is wrong with it."""
        try:
            if isinstance(answer, Exception):
                raise answer
            return sound(answer)
        except Exception as error:
            return self._failure(what, error)

    async def _or_each(
        self, what: str, ask: Callable[[], Awaitable[Sequence[T]]], many: int, seconds: float | None
    ) -> Sequence[T | EngineError]:
        """Return the answers; where the venue fails as a whole, its failure for each."""
        try:
            return await self._ask(what, ask, seconds)
        except EngineError as error:
            return [error] * many

    async def _ask(self, what: str, ask: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        try:
            return await _answer(ask, seconds)
        except LedgerAway:
            raise
        except Exception as error:
            raise self._failure(what, error) from error

    def _failure(self, what: str, error: Exception) -> EngineError:
        if isinstance(error, EngineError) and isinstance(error.code, ErrorCode):
            # Whatever it says: no venue speaks for another.
            error.venue = self.id
            error.message = plain(str(error.message))
            return error
        self._on_fault(self.id, what, error)
        code, message = ErrorCode.VENUE_UNAVAILABLE, f"It failed: {type(error).__name__}."
        if isinstance(error, TimeoutError):
            code, message = ErrorCode.VENUE_TIMEOUT, "It did not answer in time."
        elif isinstance(error, Unsound):
            message = f"Its answer was {error}."
        return EngineError(code, message, venue=self.id)


def unguarded(venue: Venue) -> Venue:
    """Return the venue within, as whoever judges it must see it."""
    return venue.within if isinstance(venue, GuardedVenue) else venue


async def _answer(ask: Callable[[], Awaitable[T]], seconds: float | None) -> T:
    """Return the answer, or raise TimeoutError without waiting for the venue to give up.

    With a deadline it is asked in a task of its own: one that swallows its cancellation holds up
    nobody. Without, whoever asks sees to that.
    """
    if seconds is None:
        return await _contained(ask)
    task = asyncio.create_task(_contained(ask))
    task.add_done_callback(_heard)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()


async def _contained(ask: Callable[[], Awaitable[T]]) -> T:
    """Return the answer; what would end this task or the process is an Exception."""
    try:
        return await ask()
    except asyncio.CancelledError:
        # Cancelled from outside, this task ends; a venue that cancels itself has only failed.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Unsound("a cancellation that nobody asked for") from None
    except SystemExit as error:
        raise Unsound("an attempt to end the process") from error


def _heard(task: "asyncio.Task[T]") -> None:
    if not task.cancelled():
        task.exception()  # of a task given up: else it is logged as never retrieved
