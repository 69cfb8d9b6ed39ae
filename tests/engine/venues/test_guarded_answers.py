"""What a venue answers is taken only if it makes sense."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from engine.errors import ErrorCode
from engine.swaps.swap import Quote, RouteLeg
from engine.swaps.transaction import StatusReport, TransactionState, TransactionStatus
from engine.tokens import JUP, SOL, USDC
from tests.engine.venues.odd import CALLS, SIGNED, SWAP, failure, guarded
from tests.venues import ScriptedVenue

C = ErrorCode


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
