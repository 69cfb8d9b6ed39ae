"""Prices as people read them; `--json` prints them as the API gives them."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

_READABLE = Context(prec=6, rounding=ROUND_HALF_EVEN)


def price_text(price: str) -> str:
    """Return a price to six digits, whole units in full: 149.554461333333333 is 149.554."""
    exact = Decimal(price)
    if abs(exact) >= 10**_READABLE.prec:
        return f"{exact.to_integral_value(ROUND_HALF_EVEN):f}"
    return plain(_READABLE.plus(exact))


def percent_below(price: str, reference: str) -> Decimal:
    """Return by how many percent of `reference` the price lies below it; negative above."""
    return (1 - Decimal(price) / Decimal(reference)) * 100


def plain(number: Decimal) -> str:
    """Return a number without exponent and without zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
