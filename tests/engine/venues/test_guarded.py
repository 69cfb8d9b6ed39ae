"""Behind the guard, whatever a venue does wrong is a typed failure of that venue."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.swaps.swap import NotAlone, Quote, RouteLeg, Swap
from engine.swaps.transaction import (
    SignedTransaction,
    StatusReport,
    TransactionState,
    TransactionStatus,
)
from engine.tokens import JUP, SOL, USDC
from engine.venues.guarded import GuardedVenue, unguarded
from engine.venues.ledger import LedgerAway
from engine.venues.routing import NoQuote, best_route
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
C = ErrorCode


async def failure(asked: str, does: Any, **given: Any) -> Any:
    with pytest.raises(EngineError) as failed:
        await CALLS[asked](guarded(does, **given))
    assert failed.value.venue == "odd"
    return failed.value


@every_call
@pytest.mark.parametrize(
    ("does", "code"),
    [
        (OSError("no route to host"), C.VENUE_UNAVAILABLE),
        (ConnectionResetError(), C.VENUE_UNAVAILABLE),
        (TimeoutError(), C.VENUE_TIMEOUT),
        (ZeroDivisionError(), C.VENUE_UNAVAILABLE),
        (AssertionError(), C.VENUE_UNAVAILABLE),
        (asyncio.CancelledError(), C.VENUE_UNAVAILABLE),
        (SystemExit(1), C.VENUE_UNAVAILABLE),
        (EngineError(cast(Any, "NO_SUCH_CODE"), "It made one up."), C.VENUE_UNAVAILABLE),
    ],
    ids=repr,
)
async def test_whatever_it_raises_is_its_own_failure(
    asked: str, does: Any, code: ErrorCode
) -> None:
    heard: list[Any] = []

    error = await failure(asked, does, heard=heard)

    assert error.code is code
    assert [(venue, what) for venue, what, _ in heard] == [("odd", asked)]


@every_call
@pytest.mark.parametrize("does", [FOR_EVER, STUBBORN], ids=["quiet", "stubborn"])
async def test_silence_is_a_timeout(asked: str, does: Any) -> None:
    if asked == "quote":  # its deadline is the router's
        with pytest.raises(NoQuote) as failed:
            await best_route(SWAP, [guarded(does)], deadline_ms=50)
        assert failed.value.code is C.VENUE_TIMEOUT
    else:
        assert (await failure(asked, does)).code is C.VENUE_TIMEOUT


@every_call
async def test_what_it_refuses_in_the_protocols_words_stays_as_it_is(asked: str) -> None:
    said = EngineError(C.VENUE_REJECTED, "Not today.", venue="somebody else", context={"n": 1})

    assert await failure(asked, said) is said
    assert said.code is C.VENUE_REJECTED
    assert (said.message, said.context) == ("Not today.", {"n": 1})


async def test_a_part_it_could_take_is_still_shown() -> None:
    book = PoolBook("devnet", 1, {})
    told = NotAlone(EngineError(C.NO_ROUTE, "Not alone."), venue="odd", book=book)

    assert (await failure("quote", told)).book is book


async def test_words_that_cannot_be_stored_are_cleaned() -> None:
    error = await failure("quote", EngineError(C.VENUE_REJECTED, "No\0\ud800!" + "x" * 10_000))

    assert str(error).startswith("No  !xxx")
    assert len(str(error)) == 256


@every_call
async def test_an_outage_of_our_own_ledger_is_not_its_failure(asked: str) -> None:
    with pytest.raises(LedgerAway):
        await CALLS[asked](guarded(LedgerAway()))


@pytest.mark.parametrize(
    "does",
    [
        *(FOR_EVER, STUBBORN, OSError(), LedgerAway(), SystemExit(), asyncio.CancelledError()),
        *("yes", None, 1),
    ],
    ids=repr,
)
async def test_it_is_not_healthy_where_it_cannot_say_so(does: Any) -> None:
    assert await guarded(does).healthy() is False
    assert await guarded(True).healthy() is True


async def test_cancelling_the_caller_cancels_the_venue() -> None:
    venue = guarded(FOR_EVER, seconds=60)
    asking = asyncio.ensure_future(venue.build(None, min_amount_out=1, memo="m", nonce=1))
    await asyncio.sleep(0)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking


async def sound() -> Quote:
    return await ScriptedVenue("odd").quote(SWAP)


LEG = RouteLeg(
    venue="odd",
    pool="p",
    token_in=SOL.mint,
    token_out=USDC.mint,
    amount_in=1,
    amount_out=1,
    fee=0,
    share_bps=10_000,
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"venue": "other"},
        {"amount_in": 1},
        {"amount_out": None},
        {"amount_out": 0},
        {"amount_out": 1.5},
        {"amount_out": "1"},
        {"amount_out": True},
        {"amount_out": 2**64},
        {"fee": -1},
        {"fee": None},
        {"price": 150.0},
        {"price": Decimal("NaN")},
        {"price": Decimal(0)},
        {"price": Decimal("1e999999")},
        {"price_impact_bps": None},
        {"price_impact_bps": Decimal("Infinity")},
        {"book": {}},
        {"route": ()},
        {"route": None},
        {"route": ("leg",)},
        {"route": (LEG.model_copy(update={"token_in": JUP.mint}),)},
        {"route": (LEG.model_copy(update={"token_out": "nobody's"}),)},
        {"route": (LEG.model_copy(update={"pool": "nul\0"}),)},
        {"route": (LEG.model_copy(update={"amount_out": "1"}),)},
        {"route": (LEG.model_copy(update={"share_bps": 2**40}),)},
    ],
    ids=str,
)
async def test_a_quote_that_is_none_is_not_taken(wrong: dict[str, Any]) -> None:
    quote = replace(await sound(), **wrong)

    assert (await failure("quote", quote)).code is C.VENUE_UNAVAILABLE


@pytest.mark.parametrize("answer", [None, "quote", 1, object()], ids=repr)
@pytest.mark.parametrize("asked", ["trades", "quote", "build", "statuses"])
async def test_an_answer_of_another_kind_is_not_taken(asked: str, answer: object) -> None:
    assert (await failure(asked, answer)).code is C.VENUE_UNAVAILABLE


async def test_a_sound_answer_passes_unchanged() -> None:
    quote = await sound()
    report = StatusReport(3, {"signature": TransactionStatus(TransactionState.PENDING)})

    assert await guarded(quote).quote(SWAP) is quote
    assert await guarded(True).trades(SOL, USDC) is True
    assert await CALLS["build"](guarded(SIGNED)) is SIGNED
    assert await guarded(report).statuses(["signature", "unknown"]) == report


@pytest.mark.parametrize(
    "wrong",
    [
        {"signature": ""},
        {"signature": None},
        {"signature": "nul\0"},
        {"payload": "text"},
        {"last_valid_slot": None},
        {"last_valid_slot": 2**31},
    ],
    ids=str,
)
async def test_a_transaction_that_cannot_be_stored_is_not_taken(wrong: dict[str, Any]) -> None:
    assert (await failure("build", replace(SIGNED, **wrong))).code is C.VENUE_UNAVAILABLE


FILLED: Any = TransactionStatus(TransactionState.CONFIRMED, amount_out=1, fee=0, slot=1)


@pytest.mark.parametrize(
    "status",
    [
        replace(FILLED, amount_out=None),
        replace(FILLED, amount_out=0),
        replace(FILLED, amount_out="1"),
        replace(FILLED, amount_out=2**64),
        replace(FILLED, fee=-1),
        replace(FILLED, slot="now"),
        replace(FILLED, route=("leg",)),
        replace(FILLED, state="CONFIRMED"),
        TransactionStatus(TransactionState.REVERTED, code=cast(Any, "BROKEN")),
        "CONFIRMED",
        None,
    ],
    ids=repr,
)
async def test_a_status_that_makes_no_sense_leaves_its_order_open_and_the_others_told(
    status: Any,
) -> None:
    heard: list[Any] = []
    report = StatusReport(9, {"odd": status, "even": FILLED, "stranger": cast(Any, "?")})

    told = await guarded(report, heard=heard).statuses(["odd", "even", "unknown"])

    assert told.slot == 9
    assert dict(told.statuses) == {
        "odd": TransactionStatus(TransactionState.PENDING),
        "even": FILLED,
    }
    assert len(heard) == 1


@pytest.mark.parametrize(
    "report",
    [*(StatusReport(slot, {}) for slot in (None, -1, True)), StatusReport(1, cast(Any, []))],
    ids=repr,
)
async def test_a_report_without_its_slot_or_statuses_tells_nothing(report: StatusReport) -> None:
    assert (await failure("statuses", report)).code is C.VENUE_UNAVAILABLE


async def test_a_venue_without_a_name_has_its_id_and_is_not_taken_for_simulated() -> None:
    class Bare:
        id = "bare"

    venue = GuardedVenue(cast(Any, Bare()), on_fault=print)

    assert (venue.name, venue.simulated) == ("bare", False)
    assert isinstance(unguarded(venue), Bare)
