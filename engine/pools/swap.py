"""What the swaps of every pool share: direction, rounding, result and refusals."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Generic, TypeVar

from engine.amounts import MAX_ATOMS
from engine.errors import MEANING, EngineError, ErrorCode


class Direction(Enum):
    """Which token the trader pays. X is the base (SOL of SOL/USDC), Y the quote."""

    SELL_X = "sell_x"
    SELL_Y = "sell_y"


class FeeToken(Enum):
    """The token a fee is taken in: whichever is paid in, or one fixed token of the pair."""

    INPUT = "input"
    X = "x"
    Y = "y"

    def is_input(self, direction: Direction) -> bool:
        """Return whether the fee of a swap in `direction` comes out of what the trader pays."""
        if self is FeeToken.INPUT:
            return True
        return (self is FeeToken.X) == (direction is Direction.SELL_X)


class PoolError(EngineError):
    """A refused swap: an EngineError whose context holds the figures behind it."""

    CODE: ClassVar[ErrorCode]

    def __init__(self, **context: int | str) -> None:
        super().__init__(self.CODE, MEANING[self.CODE], context=context)


class ZeroOutput(PoolError):
    """The amount paid is too small to buy one atom."""

    CODE = ErrorCode.ZERO_OUTPUT


class InsufficientLiquidity(PoolError):
    """The pool does not hold enough of the bought token."""

    CODE = ErrorCode.INSUFFICIENT_LIQUIDITY


class AmountOutOfRange(PoolError):
    """A figure does not fit the integers of the on-chain program, or an amount is not above 0."""

    CODE = ErrorCode.AMOUNT_OUT_OF_RANGE


class InvalidPool(ValueError):
    """Parameters or bins that no pool on chain could have: a mistake of whoever lists the pool."""

    def __init__(self, **context: int | str) -> None:
        super().__init__(", ".join(f"{name}={value}" for name, value in context.items()))


PoolT_co = TypeVar("PoolT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class SwapResult(Generic[PoolT_co]):
    """One swap as executed, all amounts in atoms.

    `amount_in` leaves the trader and `amount_out` reaches them, fees included on both sides.
    `fee` is the trading fee, in the paid token if `fee_on_input`, else in the bought one;
    `protocol_fee` and `fund_fee` are parts of it. `creator_fee` comes on top of `fee`, in the
    token that the pool's fee rates name. `pool` is the pool after the swap.
    """

    amount_in: int
    amount_out: int
    fee: int
    fee_on_input: bool
    protocol_fee: int
    fund_fee: int
    creator_fee: int
    pool: PoolT_co


def cdiv(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded up, for a numerator >= 0 and a denominator > 0."""
    return -(-numerator // denominator)


def require_atoms(**amounts: int) -> None:
    """Raise AmountOutOfRange, naming the figure, unless each amount is 1 … 2^64-1 atoms."""
    for name, atoms in amounts.items():
        if not 1 <= atoms <= MAX_ATOMS:
            raise AmountOutOfRange(**{name: atoms})
