"""Amounts and prices: decimal strings at the edge, integers of the smallest unit inside."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import ceil

from engine.errors import EngineError, ErrorCode
from engine.tokens import Token

MAX_ATOMS = 2**64 - 1
"""The largest amount a Solana token account holds (u64)."""

BPS = 10_000
"""Basis points in one whole."""

MAX_SLIPPAGE_BPS = 5_000

# Digits, with at most one point between them. No sign, exponent, blank or word.
_PLAIN_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_LONGEST_DECIMAL = 64
_PRICE = Context(prec=18, rounding=ROUND_HALF_EVEN)
_HUNDREDTH = Decimal("0.01")


def parse_amount(text: str, token: Token, *, field: tuple[str, ...] | None = None) -> int:
    """Return the atoms of `token` that the decimal string `text` names, 1 … 2^64-1.

    Raises EngineError INVALID_AMOUNT, AMOUNT_PRECISION_EXCEEDED or AMOUNT_OUT_OF_RANGE.
    Nothing is ever rounded: more decimals than the token has is an error.
    """
    if len(text) > _LONGEST_DECIMAL or not _PLAIN_DECIMAL.fullmatch(text):
        raise EngineError(
            ErrorCode.INVALID_AMOUNT,
            "An amount is a plain decimal such as 1.5: no sign, exponent, blank or unit.",
            field=field,
        )
    whole, _, fraction = text.partition(".")
    if len(fraction) > token.decimals:
        raise EngineError(
            ErrorCode.AMOUNT_PRECISION_EXCEEDED,
            f"{token.symbol} has {token.decimals} decimals, the amount has {len(fraction)}.",
            field=field,
        )
    atoms = int(whole + fraction.ljust(token.decimals, "0"))
    if atoms == 0:
        raise EngineError(ErrorCode.INVALID_AMOUNT, "An amount is above zero.", field=field)
    if atoms > MAX_ATOMS:
        raise EngineError(
            ErrorCode.AMOUNT_OUT_OF_RANGE,
            f"{token.symbol} amounts end at {format_amount(MAX_ATOMS, token)}.",
            field=field,
        )
    return atoms


def parse_price(text: str, *, field: tuple[str, ...] | None = None) -> Decimal:
    """Return the price that the decimal string `text` names, exactly, above zero.

    Raises EngineError INVALID_LIMIT_PRICE.
    """
    plain = len(text) <= _LONGEST_DECIMAL and _PLAIN_DECIMAL.fullmatch(text)
    if not plain or not Decimal(text):
        raise EngineError(
            ErrorCode.INVALID_LIMIT_PRICE,
            "A price is a plain decimal above zero, such as 151.20.",
            field=field,
        )
    return Decimal(text)


def least_out_at(limit_price: Decimal, amount_in: int, token_in: Token, token_out: Token) -> int:
    """Return ceil(amount_in · limit_price · 10^(decimals out - in)) atoms: a limit's floor."""
    rate = Fraction(limit_price) * Fraction(10) ** (token_out.decimals - token_in.decimals)
    return ceil(amount_in * rate)


def format_amount(atoms: int, token: Token) -> str:
    """Return `atoms` as a plain decimal string in whole units, without trailing zeros."""
    return format_decimal(Decimal(atoms).scaleb(-token.decimals, Context(prec=40)))


def format_decimal(value: Decimal) -> str:
    """Return `value` as a plain decimal string: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(amount_in: int, token_in: Token, amount_out: int, token_out: Token) -> Decimal:
    """Return tokenOut per tokenIn in whole units, to 18 significant digits, half to even.

    For people and charts only: no fill or refusal is ever decided by this number.
    """
    out = Decimal(amount_out).scaleb(token_in.decimals - token_out.decimals, Context(prec=60))
    return _PRICE.divide(out, Decimal(amount_in))


def in_bps(part: Fraction) -> Decimal:
    """Return a part of the whole in basis points, to a hundredth of one, half to even."""
    bps = BPS * part
    return (Decimal(bps.numerator) / bps.denominator).quantize(_HUNDREDTH, ROUND_HALF_EVEN)


def min_amount_out(quoted_out: int, slippage_bps: int) -> int:
    """Return floor(quoted_out · (10000 - slippage_bps) / 10000), in atoms.

    The rounding is that of orca-so/whirlpools rust-sdk/core/src/quote/swap.rs @ 630c0e0.
    """
    return quoted_out * (BPS - slippage_bps) // BPS


def require_slippage_bps(slippage_bps: int, *, field: tuple[str, ...] | None = None) -> int:
    """Return `slippage_bps`, or raise EngineError INVALID_SLIPPAGE outside 0 … 5000."""
    if not 0 <= slippage_bps <= MAX_SLIPPAGE_BPS:
        raise EngineError(
            ErrorCode.INVALID_SLIPPAGE,
            f"Slippage is 0 to {MAX_SLIPPAGE_BPS} basis points.",
            field=field,
        )
    return slippage_bps
