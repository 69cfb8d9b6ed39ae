"""A venue on trial: asked the way the engine asks it, and held to every answer it gave."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from uuid import uuid4

from engine.amounts import BPS, min_amount_out
from engine.errors import EngineError
from engine.swaps.swap import Quote, RouteLeg, Swap
from engine.swaps.transaction import (
    Hop,
    PoolShare,
    SignedTransaction,
    StatusReport,
    SwapTransaction,
    TransactionState,
    TransactionStatus,
    sign,
)
from engine.tokens import Token
from engine.venues.venue import MAX_SIGNATURES_PER_CALL, Venue

FILLED = (TransactionState.LANDED, TransactionState.CONFIRMED)
DEAD = (TransactionState.REVERTED, TransactionState.DROPPED, TransactionState.EXPIRED)

MARGIN_SLOTS = 64
"""How long after its last valid slot a transaction may still be on its way to be confirmed."""

_SLIPPAGE_BPS = 500
_FIRST_LOOK_SECONDS = 0.01
_LONGEST_LOOK_SECONDS = 0.5


class Broken(Exception):
    """A promise is not kept; the message says how."""


def require(kept: bool, why: str) -> None:
    """Raise Broken unless what was promised holds."""
    if not kept:
        raise Broken(why)


@dataclass(frozen=True, slots=True)
class Built:
    """A transaction and the floor it was built with."""

    signed: SignedTransaction
    floor: int


@dataclass
class Trial:
    """One venue, one pair and amount, and what became of all that was sent."""

    venue: Venue
    entry_point: str
    swap: Swap
    quote_timeout_ms: int
    memo: str = field(default_factory=lambda: str(uuid4()))
    unsent: Built | None = None
    ended: list[tuple[Built, TransactionStatus | None]] = field(default_factory=list)
    slot: int = 0
    _nonce: int = 0

    async def quote(self, **changes: int | Token) -> Quote:
        """Return the venue's offer for the swap on trial, or one that differs in `changes`."""
        try:
            async with asyncio.timeout(self.quote_timeout_ms / 1000):
                return await self.venue.quote(replace(self.swap, **changes))  # type: ignore[arg-type]
        except TimeoutError:
            raise Broken(f"no quote within {self.quote_timeout_ms} ms") from None

    async def refusal(self, **changes: int | Token) -> EngineError | None:
        """Return what a quote is refused with, None where it is not."""
        try:
            await self.quote(**changes)
        except EngineError as error:
            return error
        return None

    async def build(self, floor: int | None = None) -> Built:
        """Build a transaction that no other is like; its floor lets a moving market fill it."""
        quote = await self.quote()
        floor = min_amount_out(quote.amount_out, _SLIPPAGE_BPS) if floor is None else floor
        self._nonce += 1
        signed = await self.venue.build(
            quote, min_amount_out=floor, memo=self.memo, nonce=self._nonce
        )
        return Built(signed, floor)

    async def report(self, signatures: Sequence[str]) -> StatusReport:
        """Ask for statuses; each answer must keep to the question, and to the slots before it."""
        report = await self.venue.statuses(signatures)
        strangers = set(report.statuses) - set(signatures)
        require(not strangers, f"statuses tells of {sorted(strangers)[:1]}, which nobody asked for")
        require(report.slot >= self.slot, f"the slot fell from {self.slot} to {report.slot}")
        self.slot = report.slot
        return report

    async def status(self, built: Built) -> TransactionStatus | None:
        """Return what the venue knows of a transaction now, None for nothing."""
        report = await self.report([built.signed.signature])
        status = report.statuses.get(built.signed.signature)
        if status is not None:
            _require_sound(status, built)
        return status

    async def end_of(self, built: Built) -> TransactionStatus | None:
        """Wait until a transaction has ended; None where it is dead without ever being known."""
        last = built.signed.last_valid_slot
        for pause in _pauses():
            status = await self.status(built)
            if status is None and self.slot > last:
                break
            if status is not None and status.state in (TransactionState.CONFIRMED, *DEAD):
                break
            require(
                self.slot <= last + MARGIN_SLOTS,
                f"it is {status and status.state} in slot {self.slot}; its last valid was {last}",
            )
            await asyncio.sleep(pause)
        self.ended.append((built, status))
        return status

    async def wait_past(self, slot: int) -> None:
        """Wait until the venue reports a later slot."""
        for pause in _pauses():
            if (await self.report(unknown_signatures(1))).slot > slot:
                return
            await asyncio.sleep(pause)


Promise = Callable[[Trial], Awaitable[None]]
"""A check of one promise: it returns where the promise is kept."""


def unknown_signatures(count: int = MAX_SIGNATURES_PER_CALL) -> list[str]:
    """Return signatures of the right form that no venue has ever seen."""
    about = uuid4().hex
    hops = (Hop("nothing", (PoolShare("nowhere", 1),)),)
    return [
        sign(SwapTransaction("nobody", "nothing", 1, hops, 1, about, nonce, 0)).signature
        for nonce in range(count)
    ]


def _pauses() -> Iterator[float]:
    """Yield how long to wait between looks: ever longer, so that a real venue is not flooded."""
    pause = _FIRST_LOOK_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_LOOK_SECONDS)


def require_route(route: Iterable[RouteLeg], swap: Swap, venue: str, out: int) -> None:
    """Raise Broken unless the legs lead from the one token to the other and lose nothing."""
    paid, amount = swap.token_in.mint, swap.amount_in
    for (token_in, token_out), side_by_side in groupby(
        route, key=lambda leg: (leg.token_in, leg.token_out)
    ):
        legs = list(side_by_side)
        hop = f"the hop from {token_in} to {token_out}"
        spent = sum(leg.amount_in for leg in legs)
        shares = sum(leg.share_bps for leg in legs)
        require(token_in == paid, f"{hop} does not begin with {paid}")
        require(spent == amount, f"{hop} spends {spent} of {amount} atoms")
        require(shares == BPS, f"the shares of {hop} come to {shares} of {BPS} bps")
        require(all(leg.venue == venue for leg in legs), f"{hop} names another venue")
        paid, amount = token_out, sum(leg.amount_out for leg in legs)
    require(paid == swap.token_out.mint, f"the route ends with {paid}")
    require(amount == out, f"the route returns {amount}, not {out} atoms")


def _require_sound(status: TransactionStatus, built: Built) -> None:
    """Raise Broken for a fill without its figures or outside of what was signed."""
    state, out, slot = status.state, status.amount_out, status.slot
    if state in FILLED:
        require(type(out) is int and type(slot) is int, f"{state} without amount_out or slot")
        require((out or 0) >= built.floor, f"{state} with {out}, below the floor of {built.floor}")
        last = built.signed.last_valid_slot
        require((slot or 0) <= last, f"{state} in slot {slot}, after its last valid {last}")
        require(status.fee is None or status.fee >= 0, f"{state} with a fee of {status.fee}")
    else:
        require(not out, f"{state} with an amount_out of {out}")
