"""Spend an amount on pools side by side: what quotes promise and what the chain executes."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.amounts import BPS
from engine.pools.impact import paid_and_bought
from engine.pools.listed import ListedPool, Result
from engine.pools.swap import Direction
from engine.swaps.swap import RouteLeg
from engine.tokens import Token


@dataclass(frozen=True, slots=True)
class Fill:
    """One pool's part of a hop, and the pool as it was before."""

    pool: ListedPool
    direction: Direction
    result: Result

    @property
    def after(self) -> ListedPool:
        return self.pool.after(self.result, self.direction)


@dataclass(frozen=True, slots=True)
class HopFill:
    """The fills of one hop, side by side."""

    fills: tuple[Fill, ...]

    @property
    def amount_in(self) -> int:
        return sum(fill.result.amount_in for fill in self.fills)

    @property
    def amount_out(self) -> int:
        return sum(fill.result.amount_out for fill in self.fills)

    @property
    def fee(self) -> int:
        """All fees in atoms of the token paid; those taken from what is bought at its price."""
        return sum(_fee_paid(fill.result) for fill in self.fills)

    @property
    def kept_of_spot(self) -> Fraction:
        """The rate of this hop over its spot rate, fees left out; 1 where it moves no price.

        SDKs disagree on whether fees count for price impact: Raydium's AMM v4 and Meteora's leave
        them out as here, Raydium's CPMM SDK does not. Rounding to atoms is left out as well. For
        several pools the spot is the mean of theirs, weighted by what each gets.
        """
        bought = at_spot = Fraction(0)
        for fill in self.fills:
            net, exact = paid_and_bought(fill.pool.state, fill.result, fill.direction)
            bought += exact
            at_spot += net * fill.pool.spot(fill.direction)
        return bought / at_spot if at_spot else Fraction(1)

    def legs(self) -> list[RouteLeg]:
        """Return the fills as they are stored and shown."""
        total = self.amount_in
        legs, shown = [], 0
        for n, fill in enumerate(self.fills, 1):
            result, pool = fill.result, fill.pool
            share = result.amount_in * BPS // total
            if n == len(self.fills):
                # What rounding left, so that the shares shown are the whole.
                share = BPS - shown
            shown += share
            legs.append(
                RouteLeg.model_construct(  # made of our own figures: nothing to validate
                    venue=pool.venue,
                    pool=pool.id,
                    token_in=pool.pays(fill.direction).mint,
                    token_out=pool.buys(fill.direction).mint,
                    amount_in=result.amount_in,
                    amount_out=result.amount_out,
                    fee=_fee_paid(result),
                    share_bps=share,
                )
            )
        return legs


def spend(
    amount_in: int, weights: Sequence[tuple[ListedPool, int]], token_out: Token, now: int
) -> HopFill:
    """Swap `amount_in` atoms into `token_out`, divided among pools in proportion to their weights.

    The last pool takes what rounding leaves over. `now` is in chain seconds. Raises PoolError
    where one pool cannot do its part: then nothing has happened.
    """
    total = sum(weight for _, weight in weights)
    left, fills = amount_in, []
    for n, (pool, weight) in enumerate(weights, 1):
        part = left if n == len(weights) else amount_in * weight // total
        if part == 0 and len(weights) > 1:
            # Too small a weight for one atom: left out, rather than have the pool refuse the swap.
            continue
        left -= part
        direction = pool.into(token_out)
        fills.append(Fill(pool, direction, pool.quote(part, direction, now)))
    return HopFill(tuple(fills))


def _fee_paid(result: Result) -> int:
    if result.fee_on_input:
        return result.fee
    return result.fee * result.amount_in // (result.amount_out + result.fee)
