"""Meteora DLMM pools: liquidity in bins of constant price, with a fee that follows volatility.

Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/{quote.rs, extensions/lb_pair.rs,
extensions/bin.rs, math/*.rs}. Pools whose bins hold limit orders are left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from engine.amounts import BPS, MAX_ATOMS
from engine.pools.bins import (
    MAX_BIN_ID,
    BinTerms,
    DlmmParameters,
    bin_price,
    fee_rate,
    fill,
)
from engine.pools.swap import (
    AmountOutOfRange,
    Direction,
    InsufficientLiquidity,
    InvalidPool,
    SwapResult,
    ZeroOutput,
    require_atoms,
)


@dataclass(frozen=True, slots=True)
class Volatility:
    """The moving part of the fee: how many bins the price lately crossed, in 1/10000 of a bin."""

    volatility_accumulator: int
    volatility_reference: int
    index_reference: int
    last_update_timestamp: int


class Bin(NamedTuple):
    """A bin and the atoms in it, without fees."""

    bin_id: int
    amount_x: int
    amount_y: int


class Level(NamedTuple):
    """A bin that holds one token only: Y below the active bin, X above it."""

    bin_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class DlmmPool:
    """The active bin between two stacks of levels, the nearest to it last, empty bins left out.

    So a swap inside the active bin shares both stacks with the pool before it, and one that crosses
    bins moves as many levels as it crosses, whatever the pool holds beyond.
    """

    parameters: DlmmParameters
    volatility: Volatility
    active_id: int
    amount_x: int
    amount_y: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @classmethod
    def from_bins(
        cls,
        parameters: DlmmParameters,
        volatility: Volatility,
        active_id: int,
        bins: Iterable[Bin],
    ) -> "DlmmPool":
        """Return the pool of these bins, in any order; the active bin may be missing.

        Raises InvalidPool for a bin given twice, X below the active bin, Y above it, and amounts
        or bin ids out of range.
        """
        by_id: dict[int, Bin] = {}
        for a_bin in bins:
            bin_id, amount_x, amount_y = a_bin
            wrong_side = amount_x if bin_id < active_id else amount_y
            in_range = 0 <= amount_x <= MAX_ATOMS and 0 <= amount_y <= MAX_ATOMS
            if bin_id in by_id or not in_range or (bin_id != active_id and wrong_side):
                raise InvalidPool(bin_id=bin_id, amount_x=amount_x, amount_y=amount_y)
            by_id[bin_id] = a_bin
        outermost = max(map(abs, by_id), default=0)
        if max(outermost, abs(active_id)) > MAX_BIN_ID:
            raise InvalidPool(active_id=active_id, max_bin_id=MAX_BIN_ID)
        _, amount_x, amount_y = by_id.pop(active_id, (active_id, 0, 0))
        ascending = [by_id[bin_id] for bin_id in sorted(by_id)]
        bids = tuple(Level(b.bin_id, b.amount_y) for b in ascending if b.amount_y)
        asks = tuple(Level(b.bin_id, b.amount_x) for b in reversed(ascending) if b.amount_x)
        return cls(parameters, volatility, active_id, amount_x, amount_y, bids, asks)

    @property
    def bins(self) -> tuple[Bin, ...]:
        """The active bin and every bin that holds something, by ascending id."""
        return (
            *(Bin(level.bin_id, 0, level.amount) for level in self.bids),
            Bin(self.active_id, self.amount_x, self.amount_y),
            *(Bin(level.bin_id, level.amount, 0) for level in reversed(self.asks)),
        )


def swap_exact_in(
    pool: DlmmPool, amount_in: int, direction: Direction, now: int
) -> SwapResult[DlmmPool]:
    """Sell exactly `amount_in` atoms, fees included, at `now` in Unix seconds.

    Raises InsufficientLiquidity if the bins run out first, ZeroOutput if not one atom is bought,
    AmountOutOfRange if an amount leaves 1 … 2^64-1.
    Source: MeteoraAg/dlmm-sdk @ fb02e51, commons/src/quote.rs `quote_exact_in`.
    """
    require_atoms(amount_in=amount_in)
    walk = _Walk(pool, direction, now)
    while walk.amount_in < amount_in:
        walk.trade(amount_in - walk.amount_in)
    return walk.result()


def references(pool: DlmmPool, now: int) -> tuple[int, int]:
    """Return the volatility and the bin id that a swap at `now`, in Unix seconds, counts from."""
    parameters, volatility = pool.parameters, pool.volatility
    elapsed = now - volatility.last_update_timestamp
    if elapsed < parameters.filter_period:
        return volatility.volatility_reference, volatility.index_reference
    if elapsed >= parameters.decay_period:
        return 0, pool.active_id
    decayed = volatility.volatility_accumulator * parameters.reduction_factor // BPS
    return decayed, pool.active_id


class _Walk:
    """One swap under way: the bin it stands in, the bins behind it, the amounts so far."""

    def __init__(self, pool: DlmmPool, direction: Direction, now: int) -> None:
        self.pool = pool
        self.direction = direction
        self.now = now
        self.fee_on_input = pool.parameters.collect_fee_mode.is_input(direction)
        self.bin_id = pool.active_id
        if direction is Direction.SELL_X:
            self.held_in, self.held_out, self.ahead = pool.amount_x, pool.amount_y, pool.bids
        else:
            self.held_in, self.held_out, self.ahead = pool.amount_y, pool.amount_x, pool.asks
        self.taken = 0
        self.crossed: list[Level] = []
        self.accumulator = pool.volatility.volatility_accumulator
        self.reference, self.index_reference = references(pool, now)
        self.amount_in = self.amount_out = self.fee = self.protocol_fee = 0

    def trade(self, left: int) -> None:
        """Sell up to `left` atoms to this bin, or to the next one if this one is empty."""
        if not self.held_out:
            self._advance(left)
        parameters = self.pool.parameters
        moved = self.reference + BPS * abs(self.index_reference - self.bin_id)
        self.accumulator = min(moved, parameters.max_volatility_accumulator)
        price = bin_price(parameters.bin_step, self.bin_id)
        rate = fee_rate(parameters, self.accumulator)
        terms = BinTerms(price, rate, self.direction, self.fee_on_input)
        net_in, gross_out, fee = fill(left, self.held_out, terms)
        self.held_in += net_in
        self.held_out -= gross_out
        if self.held_in > MAX_ATOMS:
            raise AmountOutOfRange(bin_id=self.bin_id, amount=self.held_in)
        self.amount_in += net_in + fee if self.fee_on_input else net_in
        self.amount_out += gross_out if self.fee_on_input else gross_out - fee
        self.fee += fee
        self.protocol_fee += fee * parameters.protocol_share // BPS

    def _advance(self, left: int) -> None:
        if self.taken == len(self.ahead):
            raise InsufficientLiquidity(
                amount_in=self.amount_in, amount_out=self.amount_out, left=left
            )
        if self.held_in:
            self.crossed.append(Level(self.bin_id, self.held_in))
        self.taken += 1
        self.bin_id, self.held_out = self.ahead[-self.taken]
        self.held_in = 0

    def result(self) -> SwapResult[DlmmPool]:
        if self.amount_out == 0:
            raise ZeroOutput(amount_in=self.amount_in, amount_out=0, fee=self.fee)
        require_atoms(amount_in=self.amount_in, amount_out=self.amount_out)
        return SwapResult(
            self.amount_in,
            self.amount_out,
            fee=self.fee,
            fee_on_input=self.fee_on_input,
            protocol_fee=self.protocol_fee,
            fund_fee=0,
            creator_fee=0,
            pool=self._next_pool(),
        )

    def _next_pool(self) -> DlmmPool:
        pool = self.pool
        # The program stamps the time only when the active bin changed (measured on its binary),
        # while it refreshes the references on every swap that is late enough.
        last_update = pool.volatility.last_update_timestamp
        if self.bin_id != pool.active_id:
            last_update = self.now
        volatility = Volatility(self.accumulator, self.reference, self.index_reference, last_update)
        ahead = self.ahead[: len(self.ahead) - self.taken]
        crossed = tuple(self.crossed)
        if self.direction is Direction.SELL_X:
            amounts = (self.held_in, self.held_out)
            levels = (ahead, pool.asks + crossed)
        else:
            amounts = (self.held_out, self.held_in)
            levels = (pool.bids + crossed, ahead)
        return DlmmPool(pool.parameters, volatility, self.bin_id, *amounts, *levels)
