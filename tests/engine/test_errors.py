"""Codes, classes, and the sentence that carries the figures."""

from pathlib import Path

import pytest

from engine.error_places import PLACES, with_tables
from engine.errors import MEANING, EngineError, ErrorCode, Failure, RetryClass, retry_class

CLASSES = {
    RetryClass.RETRY: "VENUE_UNAVAILABLE VENUE_TIMEOUT VENUE_RATE_LIMITED",
    RetryClass.REQUOTE: "QUOTE_EXPIRED SLIPPAGE_EXCEEDED TRANSACTION_EXPIRED TRANSACTION_DROPPED",
    RetryClass.FATAL: "NO_ROUTE INSUFFICIENT_LIQUIDITY PRICE_IMPACT_TOO_HIGH ZERO_OUTPUT "
    "VENUE_REJECTED INTERNAL INVALID_AMOUNT",
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [(code, wanted) for wanted, codes in CLASSES.items() for code in codes.split()],
)
def test_each_code_is_of_the_class_the_design_gives_it(code: str, expected: str) -> None:
    assert retry_class(ErrorCode(code)) is expected


def test_every_code_is_explained() -> None:
    assert set(MEANING) == set(ErrorCode)


def test_an_error_is_a_sentence_and_keeps_its_figures_for_the_log() -> None:
    error = EngineError(
        ErrorCode.SLIPPAGE_EXCEEDED, "Too low.", venue="raydium", context={"amount_out": 5}
    )

    assert str(error) == "Too low."
    assert error.context == {"amount_out": 5}
    assert error.failure == Failure(
        code=ErrorCode.SLIPPAGE_EXCEEDED, message="Too low.", venue="raydium"
    )


def test_the_tables_in_the_documentation_are_those_of_the_code() -> None:
    page = Path("docs/errors.md").read_text(encoding="utf-8")

    assert page == with_tables(page)


def test_every_code_has_a_place_where_clients_meet_it() -> None:
    assert set(PLACES) == set(ErrorCode)
    assert all(PLACES.values())
