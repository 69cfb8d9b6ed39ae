"""Constant-product pools: x * y never falls (Raydium CPMM).

Source: raydium-io/raydium-cp-swap @ 609780f, programs/cp-swap/src/curve/{calculator,
constant_product,fees}.rs.
"""

from dataclasses import dataclass

from engine.pools.swap import (
    Direction,
    FeeToken,
    InvalidPool,
    SwapResult,
    ZeroOutput,
    cdiv,
    require_atoms,
)

RATE_UNIT = 1_000_000
"""Fee rates are in millionths: 2500 is 0.25 %."""


@dataclass(frozen=True, slots=True)
class FeeRates:
    """What a pool charges, in millionths.

    `trade_fee_rate` and `creator_fee_rate` are parts of the amount traded, `protocol_fee_rate` and
    `fund_fee_rate` parts of the trade fee; the rest of that stays with the liquidity providers.
    Raises InvalidPool if a rate is negative or the shares exceed the whole.
    """

    trade_fee_rate: int
    protocol_fee_rate: int = 0
    fund_fee_rate: int = 0
    creator_fee_rate: int = 0
    creator_fee_on: FeeToken = FeeToken.INPUT

    def __post_init__(self) -> None:
        traded = (self.trade_fee_rate, self.creator_fee_rate)
        shares = (self.protocol_fee_rate, self.fund_fee_rate)
        if min(traded + shares) < 0 or sum(traded) >= RATE_UNIT or sum(shares) > RATE_UNIT:
            raise InvalidPool(
                trade_fee_rate=self.trade_fee_rate,
                protocol_fee_rate=self.protocol_fee_rate,
                fund_fee_rate=self.fund_fee_rate,
                creator_fee_rate=self.creator_fee_rate,
            )


RAYDIUM_CPMM = FeeRates(2_500, protocol_fee_rate=120_000, fund_fee_rate=40_000)
"""0.25 %, of which 12 % go to the protocol and 4 % to the fund."""


@dataclass(frozen=True, slots=True)
class ConstantProductPool:
    """Reserves in atoms, without fees accrued to the protocol, the fund and the creator.

    Raises AmountOutOfRange unless both reserves are 1 … 2^64-1.
    """

    reserve_x: int
    reserve_y: int
    fees: FeeRates = RAYDIUM_CPMM

    def __post_init__(self) -> None:
        require_atoms(reserve_x=self.reserve_x, reserve_y=self.reserve_y)

    def reserves(self, direction: Direction) -> tuple[int, int]:
        """Return (reserve_in, reserve_out) in atoms, as a swap in `direction` sees them."""
        if direction is Direction.SELL_X:
            return self.reserve_x, self.reserve_y
        return self.reserve_y, self.reserve_x


def swap_exact_in(
    pool: ConstantProductPool, amount_in: int, direction: Direction
) -> SwapResult[ConstantProductPool]:
    """Sell exactly `amount_in` atoms, fees included.

    Raises AmountOutOfRange if an amount or a reserve leaves 1 … 2^64-1, ZeroOutput if not one atom
    is bought; the latter's context has the fees the program would compute.
    Source: raydium-io/raydium-cp-swap @ 609780f, programs/cp-swap/src/curve/calculator.rs
    `swap_base_input`.
    """
    require_atoms(amount_in=amount_in)
    reserve_in, reserve_out = pool.reserves(direction)
    input_rate, output_rate = _rates(pool.fees, direction)
    input_fee = cdiv(amount_in * input_rate, RATE_UNIT)
    net_in = amount_in - input_fee
    gross_out = net_in * reserve_out // (reserve_in + net_in)
    output_fee = cdiv(gross_out * output_rate, RATE_UNIT)
    return _settle(pool, direction, amount_in, input_fee, gross_out, output_fee)


def _rates(fees: FeeRates, direction: Direction) -> tuple[int, int]:
    if fees.creator_fee_on.is_input(direction):
        return fees.trade_fee_rate + fees.creator_fee_rate, 0
    return fees.trade_fee_rate, fees.creator_fee_rate


def _creator_part(fees: FeeRates, direction: Direction, input_fee: int) -> int:
    # The program rounds trade and creator fee up together and then splits, so that two ceilings
    # cannot cost the trader more than one.
    if fees.creator_fee_rate == 0 or not fees.creator_fee_on.is_input(direction):
        return 0
    return input_fee * fees.creator_fee_rate // (fees.trade_fee_rate + fees.creator_fee_rate)


def _settle(
    pool: ConstantProductPool,
    direction: Direction,
    amount_in: int,
    input_fee: int,
    gross_out: int,
    output_fee: int,
) -> SwapResult[ConstantProductPool]:
    fees = pool.fees
    reserve_in, reserve_out = pool.reserves(direction)
    creator_in = _creator_part(fees, direction, input_fee)
    fee = input_fee - creator_in
    protocol_fee = fee * fees.protocol_fee_rate // RATE_UNIT
    fund_fee = fee * fees.fund_fee_rate // RATE_UNIT
    amount_out = gross_out - output_fee
    if amount_out == 0:
        raise ZeroOutput(
            amount_in=amount_in,
            amount_out=amount_out,
            fee=fee,
            protocol_fee=protocol_fee,
            fund_fee=fund_fee,
            creator_fee=creator_in + output_fee,
        )
    require_atoms(amount_in=amount_in)
    next_in = reserve_in + amount_in - protocol_fee - fund_fee - creator_in
    next_out = reserve_out - gross_out
    reserve_x, reserve_y = (
        (next_in, next_out) if direction is Direction.SELL_X else (next_out, next_in)
    )
    return SwapResult(
        amount_in,
        amount_out,
        fee=fee,
        fee_on_input=True,
        protocol_fee=protocol_fee,
        fund_fee=fund_fee,
        creator_fee=creator_in + output_fee,
        pool=ConstantProductPool(reserve_x, reserve_y, fees),
    )
