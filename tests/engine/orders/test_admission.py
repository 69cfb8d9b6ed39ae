"""Whether a pair can be traded at all, as the venues tell it."""

import asyncio
from typing import Any

import pytest

from engine.errors import EngineError, ErrorCode
from engine.orders.admission import require_route
from engine.swaps.swap import Swap
from engine.tokens import SOL, USDC, Token
from tests.venues import ScriptedVenue, unavailable

SWAP = Swap(SOL, USDC, 1)


class Telling(ScriptedVenue):
    """Says what the test gives it, raises it, or says nothing for None."""

    def __init__(self, id: str, says: object) -> None:
        super().__init__(id)
        self.says = says

    async def trades(self, token_in: Token, token_out: Token) -> Any:
        if self.says is None:
            await asyncio.Event().wait()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


async def refused(*venues: ScriptedVenue, swap: Swap = SWAP) -> EngineError:
    with pytest.raises(EngineError) as refusal:
        await require_route(swap, venues)
    return refusal.value


async def test_one_that_trades_the_pair_is_enough_whatever_the_others_do() -> None:
    others = [Telling("a", None), Telling("b", unavailable("b")), Telling("c", False)]

    for venues in ([*others, Telling("d", True)], [Telling("d", True), *others]):
        async with asyncio.timeout(5):
            await require_route(SWAP, venues)


async def test_where_nobody_trades_it_the_pair_is_refused() -> None:
    refusal = await refused(Telling("a", False), Telling("b", False))

    assert (refusal.code, refusal.field) == (ErrorCode.UNSUPPORTED_PAIR, ("input", "tokenOut"))


async def test_where_one_cannot_tell_nobody_can() -> None:
    refusal = await refused(Telling("a", unavailable("a")), Telling("b", False))

    assert (refusal.code, refusal.venue) == (ErrorCode.VENUE_UNAVAILABLE, "a")


async def test_only_allowed_venues_are_asked() -> None:
    only = Swap(SOL, USDC, 1, venues=("b",))

    assert (await refused(Telling("a", True), Telling("b", False), swap=only)).code is (
        ErrorCode.UNSUPPORTED_PAIR
    )
