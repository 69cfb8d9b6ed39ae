"""A guarded venue that does for everything what a test gives it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.errors import EngineError
from engine.swaps.swap import Swap
from engine.swaps.transaction import SignedTransaction
from engine.tokens import SOL, USDC
from engine.venues.guarded import GuardedVenue
from tests.venues import ScriptedVenue

SWAP = Swap(SOL, USDC, 10**9)
SIGNED = SignedTransaction("signature", b"bytes", 7)


class Odd(ScriptedVenue):
    """Does for everything what the test gives it: raises, hangs, or answers."""

    def __init__(self, does: Any, id: str = "odd") -> None:
        super().__init__(id)
        self.does = does

    async def _do(self, *about: Any, **more: Any) -> Any:
        if self.does is FOR_EVER:
            await asyncio.Event().wait()
        if self.does is STUBBORN:
            while True:
                try:
                    await asyncio.sleep(0.2)
                    return None
                except asyncio.CancelledError:
                    continue
        if isinstance(self.does, BaseException):
            raise self.does
        return self.does

    healthy = trades = quote = build = submit = statuses = _do


FOR_EVER, STUBBORN = object(), object()


def guarded(does: Any, *, heard: list[Any] | None = None, seconds: float = 0.05) -> GuardedVenue:
    def hear(*what: Any) -> None:
        if heard is not None:
            heard.append(what)

    return GuardedVenue(Odd(does), on_fault=hear, answer_seconds=seconds)


CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "trades": lambda venue: venue.trades(SOL, USDC),
    "quote": lambda venue: venue.quote(SWAP),
    "build": lambda venue: venue.build(None, min_amount_out=1, memo="m", nonce=1),
    "submit": lambda venue: venue.submit(SIGNED),
    "statuses": lambda venue: venue.statuses(["signature"]),
}
every_call = pytest.mark.parametrize("asked", CALLS)


async def failure(asked: str, does: Any, **given: Any) -> Any:
    with pytest.raises(EngineError) as failed:
        await CALLS[asked](guarded(does, **given))
    assert failed.value.venue == "odd"
    return failed.value
