"""Raydium CPMM: constant-product swaps by the program's own integer maths.

Source: raydium-io/raydium-cp-swap @ 609780f, programs/cp-swap/src/curve/*.rs. Fees round up and
outputs round down, both in the pool's favour.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from engine.amounts import MAX_ATOMS
from engine.errors import EngineError, ErrorCode

FEE_RATE_DENOMINATOR = 1_000_000


@dataclass(frozen=True, slots=True)
class ConstantProductPool:
    """Reserves in atoms and the trade fee in millionths (2500 is 25 bps)."""

    reserve_in: int
    reserve_out: int
    trade_fee_rate: int


@dataclass(frozen=True, slots=True)
class ConstantProductSwap:
    """An exact-in swap: output and fee in atoms, price impact in bps without the fee."""

    amount_out: int
    fee: int
    price_impact_bps: Decimal


def swap_exact_in(pool: ConstantProductPool, amount_in: int) -> ConstantProductSwap:
    """Return what `amount_in` atoms buy: fee = ⌈a·f/10⁶⌉, n = a - fee, out = ⌊n·y/(x+n)⌋.

    Raises EngineError ZERO_OUTPUT where the output rounds to nothing and AMOUNT_OUT_OF_RANGE
    where the reserves would outgrow a u64.
    """
    x, y = pool.reserve_in, pool.reserve_out
    fee = -(-amount_in * pool.trade_fee_rate // FEE_RATE_DENOMINATOR)
    net = amount_in - fee
    if x + amount_in > MAX_ATOMS:
        raise EngineError(
            ErrorCode.AMOUNT_OUT_OF_RANGE,
            "The pool cannot hold this much.",
            amount_in=amount_in,
            reserve_in=x,
        )
    amount_out = net * y // (x + net)
    if amount_out == 0:
        raise EngineError(
            ErrorCode.ZERO_OUTPUT, "The output rounds down to nothing.", amount_in=amount_in
        )
    # 1 - (out / net) / (y / x), AMM convention with fees left out and reported apart.
    impact = Decimal(10_000) * (net * y - amount_out * x) / (net * y)
    return ConstantProductSwap(
        amount_out=amount_out,
        fee=fee,
        price_impact_bps=impact.quantize(Decimal("0.01"), ROUND_HALF_EVEN),
    )
