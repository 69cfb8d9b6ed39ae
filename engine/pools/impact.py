"""How far a trade moves the price."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

_SHOWN = Decimal("0.01")


def price_impact_bps(net_in: int, amount_out: int, spot: Fraction) -> Decimal:
    """Return 1 - (amount_out / net_in) / spot in basis points, to a hundredth of one.

    `net_in` and `amount_out` are atoms, fees left out and reported apart; `spot` is atoms out per
    atom in before the trade. SDKs disagree on whether fees count: Raydium's AMM v4 and Meteora's
    leave them out as here, Raydium's CPMM SDK does not.
    """
    impact = 10_000 * (1 - Fraction(amount_out, net_in) / spot)
    return (Decimal(impact.numerator) / impact.denominator).quantize(_SHOWN, ROUND_HALF_EVEN)
