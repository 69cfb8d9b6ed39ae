"""Where no venue has a quote: of all their reasons the most telling one is given."""

import pytest

from engine.errors import EngineError, ErrorCode
from engine.swaps.swap import Swap
from engine.tokens import JUP, ORCA, USDC
from engine.venues.routing import NoQuote, best_route
from tests.engine.venues.simulated import BOTH, DEADLINE_MS, SWAP, FixedLedger, simulated
from tests.venues import ScriptedVenue, rejected, unavailable


async def test_without_any_quote_the_curable_reason_is_given() -> None:
    venues = [
        ScriptedVenue("a", quote_errors=[rejected("a")]),
        ScriptedVenue("b", quote_errors=[unavailable("b")]),
    ]

    with pytest.raises(NoQuote) as failed:
        await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

    assert failed.value.code is ErrorCode.VENUE_UNAVAILABLE
    assert failed.value.venue is None  # none of them is to be avoided next time
    assert {told.venue for told in failed.value.compared} == {"a", "b"}


async def test_an_amount_too_small_is_told_before_a_venue_without_a_route() -> None:
    with pytest.raises(NoQuote) as failed:
        await best_route(Swap(ORCA, USDC, 1), simulated(*BOTH), deadline_ms=DEADLINE_MS)

    assert failed.value.code is ErrorCode.ZERO_OUTPUT
    assert [told.failure.code for told in failed.value.compared] == [
        ErrorCode.NO_ROUTE,
        ErrorCode.ZERO_OUTPUT,
    ]


async def test_what_the_venues_could_only_do_together_tells_why_they_cannot() -> None:
    ledger = FixedLedger()
    del ledger.pools["raydium:JUP-USDC"], ledger.pools["raydium:JUP-SOL"]

    with pytest.raises(NoQuote) as failed:
        await best_route(
            Swap(ORCA, JUP, 1), simulated(*BOTH, ledger=ledger), deadline_ms=DEADLINE_MS
        )

    assert {told.failure.code for told in failed.value.compared} == {ErrorCode.NO_ROUTE}
    assert failed.value.code is ErrorCode.ZERO_OUTPUT


C = ErrorCode


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ((C.NO_ROUTE, C.ZERO_OUTPUT), C.ZERO_OUTPUT),
        ((C.INSUFFICIENT_LIQUIDITY, C.NO_ROUTE), C.INSUFFICIENT_LIQUIDITY),
        ((C.NO_ROUTE, C.AMOUNT_OUT_OF_RANGE), C.AMOUNT_OUT_OF_RANGE),
        ((C.AMOUNT_OUT_OF_RANGE, C.INSUFFICIENT_LIQUIDITY), C.INSUFFICIENT_LIQUIDITY),
        ((C.NO_ROUTE, C.VENUE_REJECTED), C.VENUE_REJECTED),
        ((C.VENUE_REJECTED, C.ZERO_OUTPUT), C.ZERO_OUTPUT),
        ((C.ZERO_OUTPUT, C.VENUE_UNAVAILABLE), C.VENUE_UNAVAILABLE),
        ((C.NO_ROUTE, C.NO_ROUTE), C.NO_ROUTE),
    ],
)
async def test_of_several_reasons_the_most_telling_one_is_given(
    codes: tuple[ErrorCode, ErrorCode], told: ErrorCode
) -> None:
    for order in (codes, codes[::-1]):
        venues = [
            ScriptedVenue(id, quote_errors=[EngineError(code, "It says so.", venue=id)])
            for id, code in zip("ab", order, strict=True)
        ]

        with pytest.raises(NoQuote) as failed:
            await best_route(SWAP, venues, deadline_ms=DEADLINE_MS)

        assert failed.value.code is told
