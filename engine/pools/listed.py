"""A pool as a venue lists it: its state, the tokens behind X and Y, and the fees it keeps apart."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from engine.pools import cpmm, dlmm
from engine.pools.bins import FEE_UNIT, ONE, bin_price, fee_rate
from engine.pools.cpmm import RATE_UNIT, ConstantProductPool
from engine.pools.dlmm import DlmmPool
from engine.pools.swap import Direction, SwapResult
from engine.tokens import Token

PoolState = ConstantProductPool | DlmmPool
Result = SwapResult[Any]


class PoolKind(StrEnum):
    """How a pool prices."""

    CONSTANT_PRODUCT = "CONSTANT_PRODUCT"
    DLMM = "DLMM"


POOL_KIND_MEANING = {
    PoolKind.CONSTANT_PRODUCT: "x · y never falls: Raydium CPMM.",
    PoolKind.DLMM: "Liquidity in bins of constant price: Meteora DLMM.",
}


class Reserves(NamedTuple):
    """The atoms of both tokens that a pool trades with."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class ListedPool:
    """One pool of a venue. `fees_x` and `fees_y` are atoms that left the traders and are not for
    trading: what protocol, fund and creators are owed, and all fees of a DLMM pool.
    """

    id: str
    venue: str
    token_x: Token
    token_y: Token
    state: PoolState
    fees_x: int = 0
    fees_y: int = 0

    @property
    def kind(self) -> PoolKind:
        if isinstance(self.state, DlmmPool):
            return PoolKind.DLMM
        return PoolKind.CONSTANT_PRODUCT

    @property
    def tokens(self) -> frozenset[Token]:
        return frozenset((self.token_x, self.token_y))

    @property
    def reserves(self) -> Reserves:
        state = self.state
        if isinstance(state, ConstantProductPool):
            return Reserves(state.reserve_x, state.reserve_y)
        return Reserves(
            state.amount_x + sum(level.amount for level in state.asks),
            state.amount_y + sum(level.amount for level in state.bids),
        )

    @property
    def fee_bps(self) -> Decimal:
        """What a swap of one atom more would be charged now, in basis points."""
        state = self.state
        if isinstance(state, ConstantProductPool):
            rate = state.fees.trade_fee_rate + state.fees.creator_fee_rate
            return Decimal(rate * 10_000) / RATE_UNIT
        accumulator = state.volatility.volatility_accumulator
        return Decimal(fee_rate(state.parameters, accumulator) * 10_000) / FEE_UNIT

    def holds(self, token: Token) -> int:
        """Return the atoms of one of its tokens that the pool trades with."""
        return self.reserves.x if token == self.token_x else self.reserves.y

    def pays(self, direction: Direction) -> Token:
        """Return the token that a swap in `direction` sells to the pool."""
        return self.token_x if direction is Direction.SELL_X else self.token_y

    def buys(self, direction: Direction) -> Token:
        """Return the token that a swap in `direction` buys from the pool."""
        return self.token_y if direction is Direction.SELL_X else self.token_x

    def into(self, token_out: Token) -> Direction:
        """Return which way a swap into `token_out` goes."""
        return Direction.SELL_X if token_out == self.token_y else Direction.SELL_Y

    def spot(self, direction: Direction) -> Fraction:
        """Return atoms out per atom in before any trade and any fee."""
        state = self.state
        if isinstance(state, ConstantProductPool):
            rate = Fraction(state.reserve_y, state.reserve_x)
        else:
            rate = Fraction(bin_price(state.parameters.bin_step, state.active_id), ONE)
        return rate if direction is Direction.SELL_X else 1 / rate

    def quote(self, amount_in: int, direction: Direction, now: int) -> Result:
        """Return what selling `amount_in` atoms at chain second `now` gives. Raises PoolError."""
        if isinstance(self.state, ConstantProductPool):
            return cpmm.swap_exact_in(self.state, amount_in, direction)
        return dlmm.swap_exact_in(self.state, amount_in, direction, now)

    def after(self, result: Result, direction: Direction) -> "ListedPool":
        """Return the pool once a swap that `quote` described has happened."""
        kept_in, kept_out = self._kept(result, direction)
        if direction is Direction.SELL_Y:
            kept_in, kept_out = kept_out, kept_in
        return replace(
            self,
            state=result.pool,
            fees_x=self.fees_x + kept_in,
            fees_y=self.fees_y + kept_out,
        )

    def _kept(self, result: Result, direction: Direction) -> tuple[int, int]:
        """Return the atoms of the paid and of the bought token that the swap set apart."""
        state = self.state
        if isinstance(state, DlmmPool):
            return (result.fee, 0) if result.fee_on_input else (0, result.fee)
        # Whatever left the traders and is not in the reserves is set apart. Told by the reserves,
        # not by rates once more: so rounding can lose no atom.
        paid_before, bought_before = state.reserves(direction)
        paid_after, bought_after = result.pool.reserves(direction)
        kept_in = result.amount_in - (paid_after - paid_before)
        kept_out = bought_before - bought_after - result.amount_out
        return kept_in, kept_out
