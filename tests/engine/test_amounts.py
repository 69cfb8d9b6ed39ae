"""Amounts: exact in, exact out, and every way of being wrong."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import (
    MAX_ATOMS,
    format_amount,
    format_decimal,
    min_amount_out,
    parse_amount,
    price,
    require_slippage_bps,
)
from engine.errors import EngineError, ErrorCode
from engine.tokens import BONK, SOL, TOKENS, USDC, Token

tokens = st.sampled_from(TOKENS)
atoms = st.integers(min_value=1, max_value=MAX_ATOMS)


@given(atoms, tokens)
def test_an_amount_survives_being_written_and_read(amount: int, token: Token) -> None:
    assert parse_amount(format_amount(amount, token), token) == amount


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5", 1_500_000_000),
        ("0.000000001", 1),
        ("007.10", 7_100_000_000),
        ("18446744073.709551615", MAX_ATOMS),
    ],
)
def test_decimal_text_becomes_atoms_exactly(text: str, expected: int) -> None:
    assert parse_amount(text, SOL) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1 ", " 1", "-1", "+1", "1e3", "1E3", "NaN", "Infinity", "0x10", "1,5"),
        *("1_000", ".5", "5.", "1.2.3", "0", "0.0", "١", "one", "1\n", "1" * 65),
    ],
)
def test_what_is_not_a_plain_decimal_above_zero_is_refused(text: str) -> None:
    with pytest.raises(EngineError) as refused:
        parse_amount(text, SOL, field=("input", "amount"))

    assert refused.value.code is ErrorCode.INVALID_AMOUNT
    assert refused.value.field == ("input", "amount")


def test_more_decimals_than_the_token_has_is_refused_never_rounded() -> None:
    with pytest.raises(EngineError) as refused:
        parse_amount("1.0000001", USDC)

    assert refused.value.code is ErrorCode.AMOUNT_PRECISION_EXCEEDED


def test_one_atom_above_a_u64_is_out_of_range() -> None:
    with pytest.raises(EngineError) as refused:
        parse_amount("18446744073.709551616", SOL)

    assert refused.value.code is ErrorCode.AMOUNT_OUT_OF_RANGE


@given(atoms, tokens)
def test_written_amounts_have_no_exponent_and_no_trailing_zeros(amount: int, token: Token) -> None:
    text = format_amount(amount, token)

    assert set(text) <= set("0123456789.")
    assert "." not in text or not text.endswith(("0", "."))


@given(atoms, tokens, atoms, tokens)
def test_price_is_out_over_in_to_eighteen_digits(
    paid: int, token_in: Token, bought: int, token_out: Token
) -> None:
    exact_times_in = Decimal(bought).scaleb(-token_out.decimals)

    shown = price(paid, token_in, bought, token_out) * Decimal(paid).scaleb(-token_in.decimals)

    assert abs(shown - exact_times_in) <= exact_times_in * Decimal("1e-17")


def test_price_of_a_round_trade_is_round() -> None:
    assert price(2 * 10**9, SOL, 300 * 10**6, USDC) == Decimal(150)
    assert format_decimal(price(10**9, SOL, 10**5 * 6_000_000, BONK)) == "6000000"


@pytest.mark.parametrize(
    ("quoted", "slippage_bps", "floor"),
    [(996, 1_000, 896), (10_000, 50, 9_950), (1, 1, 0), (1, 0, 1), (MAX_ATOMS, 0, MAX_ATOMS)],
)
def test_the_slippage_floor_rounds_down(quoted: int, slippage_bps: int, floor: int) -> None:
    assert min_amount_out(quoted, slippage_bps) == floor


@pytest.mark.parametrize("slippage_bps", [-1, 5_001])
def test_slippage_outside_its_range_is_refused(slippage_bps: int) -> None:
    with pytest.raises(EngineError) as refused:
        require_slippage_bps(slippage_bps)

    assert refused.value.code is ErrorCode.INVALID_SLIPPAGE
