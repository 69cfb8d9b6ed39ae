"""The maths of one DLMM bin: its price, its fee rate, and what a swap takes from it.

Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/{quote.rs, extensions/lb_pair.rs,
extensions/bin.rs, math/*.rs}.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from engine.amounts import BPS
from engine.pools.swap import AmountOutOfRange, Direction, FeeToken, InvalidPool, cdiv

MAX_BIN_ID = 443_636
ONE = 1 << 64
"""1 in Q64.64, the format of bin prices."""
FEE_UNIT = 10**9
"""Fee rates of DLMM pools are in billionths."""
MAX_FEE_RATE = 10**8
_MAX_U128 = 2**128 - 1


@dataclass(frozen=True, slots=True)
class DlmmParameters:
    """What a pool was created with, in the program's words.

    `bin_step`, `reduction_factor` and `protocol_share` are in basis points, the periods in seconds.
    Raises InvalidPool for figures outside of what the program accepts.
    """

    bin_step: int
    base_factor: int
    base_fee_power_factor: int = 0
    filter_period: int = 30
    decay_period: int = 600
    reduction_factor: int = 5_000
    variable_fee_control: int = 40_000
    max_volatility_accumulator: int = 350_000
    protocol_share: int = 500
    collect_fee_mode: FeeToken = FeeToken.INPUT

    def __post_init__(self) -> None:
        bps = (self.bin_step, self.reduction_factor, self.protocol_share)
        rest = (self.base_factor, self.base_fee_power_factor, self.variable_fee_control)
        times = (self.filter_period, self.decay_period, self.max_volatility_accumulator)
        if min(bps + rest + times) < 0 or self.bin_step == 0 or max(bps) > BPS:
            raise InvalidPool(parameters=str(self))
        if self.collect_fee_mode is FeeToken.X:
            raise InvalidPool(collect_fee_mode="X")


@lru_cache(maxsize=1 << 16)
def bin_price(bin_step: int, bin_id: int) -> int:
    """Return Y atoms per X atom in Q64.64: (1 + bin_step/10000)^bin_id, truncated as on chain.

    Raises AmountOutOfRange if the id or the price leaves the program's range.
    Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/math/{price_math,u64x64_math}.rs.
    """
    if abs(bin_id) > MAX_BIN_ID:
        raise AmountOutOfRange(bin_id=bin_id)
    if bin_id == 0:
        return ONE
    # The base is above 1; the program squares its inverse, which keeps all products in 128 bits.
    square = _MAX_U128 // (ONE + (bin_step << 64) // BPS)
    power = ONE
    exponent = abs(bin_id)
    while exponent:
        if exponent & 1:
            power = power * square >> 64
        square = square * square >> 64
        exponent >>= 1
    if power == 0:
        raise AmountOutOfRange(bin_step=bin_step, bin_id=bin_id)
    return power if bin_id < 0 else _MAX_U128 // power


def fee_rate(parameters: DlmmParameters, volatility_accumulator: int) -> int:
    """Return the base fee plus the variable fee, in billionths, at most 10 %.

    Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/extensions/lb_pair.rs `get_total_fee`.
    """
    bin_step = parameters.bin_step
    power: int = 10**parameters.base_fee_power_factor
    base = parameters.base_factor * bin_step * 10 * power
    crossed = volatility_accumulator * bin_step
    variable = cdiv(parameters.variable_fee_control * crossed * crossed, 10**11)
    return min(MAX_FEE_RATE, base + variable)


class BinTerms(NamedTuple):
    """What a bin asks of a swap: its Q64.64 price, and a fee in billionths of one token."""

    price: int
    rate: int
    direction: Direction
    fee_on_input: bool


class BinFill(NamedTuple):
    """What one bin did, in atoms: `net_in` joined it, `gross_out` left it, the fee is kept apart.

    So the trader pays `net_in` and receives `gross_out`, one of them worsened by `fee`.
    """

    net_in: int
    gross_out: int
    fee: int


def fill(left: int, cap: int, terms: BinTerms) -> BinFill:
    """Sell up to `left` atoms, fees included, to a bin that holds `cap` atoms of the other token.

    Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/extensions/bin.rs `swap`.
    """
    fee = _fee_in_gross(left, terms) if terms.fee_on_input else 0
    net_in = left - fee
    # With exactly enough to drain the bin, the fee stays that of the whole `left`: rounding may
    # make it an atom more than the fee on top of the same net amount.
    max_net_in = _input_for(cap, terms)
    if net_in > max_net_in:
        net_in = max_net_in
        fee = _fee_on_net(net_in, terms) if terms.fee_on_input else 0
    gross_out = cap if net_in == max_net_in else _output_for(net_in, terms)
    if not terms.fee_on_input:
        fee = _fee_in_gross(gross_out, terms)
    return BinFill(net_in, gross_out, fee)


def drain(held: int, terms: BinTerms) -> BinFill:
    """Sell a bin the least that buys all of the `held` atoms in it.

    Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/quote.rs `quote_exact_out`.
    """
    net_in = _input_for(held, terms)
    fee = _fee_on_net(net_in, terms) if terms.fee_on_input else _fee_in_gross(held, terms)
    return BinFill(net_in, held, fee)


def _input_for(gross_out: int, terms: BinTerms) -> int:
    if terms.direction is Direction.SELL_X:
        return cdiv(gross_out << 64, terms.price)
    return cdiv(gross_out * terms.price, ONE)


def _output_for(net_in: int, terms: BinTerms) -> int:
    if terms.direction is Direction.SELL_X:
        return net_in * terms.price >> 64
    return (net_in << 64) // terms.price


def _fee_in_gross(gross: int, terms: BinTerms) -> int:
    return cdiv(gross * terms.rate, FEE_UNIT)


def _fee_on_net(net: int, terms: BinTerms) -> int:
    return cdiv(net * terms.rate, FEE_UNIT - terms.rate)
