"""The best way through a book of pools: directly, or over a hub token, and over which pools."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from engine.amounts import in_bps
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.pools.listed import ListedPool
from engine.swaps.fill import HopFill, spend
from engine.swaps.split import optimal_split
from engine.swaps.swap import RouteLeg, Swap
from engine.tokens import SOL, USDC, Token

HUBS = (SOL, USDC)
"""Tokens that nearly every other one has a pool with."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a swap comes to on its way over one or two hops."""

    hops: tuple[HopFill, ...]

    @property
    def amount_out(self) -> int:
        return self.hops[-1].amount_out

    @property
    def route(self) -> tuple[RouteLeg, ...]:
        return tuple(leg for hop in self.hops for leg in hop.legs())

    @property
    def fee(self) -> int:
        """All fees in atoms of the first token, those of a later hop at the rates before it."""
        first, *later = self.hops
        fee, worth, before = first.fee, Fraction(1), first
        for hop in later:
            worth *= Fraction(before.amount_in, before.amount_out)
            fee += int(hop.fee * worth)
            before = hop
        return fee

    @property
    def price_impact_bps(self) -> Decimal:
        """How far the trade moves the price, fees left out."""
        kept = Fraction(1)
        for hop in self.hops:
            kept *= hop.kept_of_spot
        return in_bps(1 - kept)


def best_path(swap: Swap, book: PoolBook, *, allow_split: bool, leg_cost_lamports: int = 0) -> Path:
    """Return the path with the greatest output, net of what legs after a hop's first one cost.

    Pairs with a pool of their own go directly, others over one of HUBS. With `allow_split` a hop
    may use several pools at once. Raises EngineError NO_ROUTE where the book has no path, and the
    PoolError of the pools where none can do it.
    """
    possible = ways(swap.token_in, swap.token_out, book)
    if not possible:
        raise EngineError(ErrorCode.NO_ROUTE, "There is no pool for this pair.")
    best, failure = None, None
    for way in possible:
        try:
            path = _walk(swap, way, book, allow_split, leg_cost_lamports)
        except EngineError as error:
            failure = failure or error
            continue
        if best is None or path.amount_out > best.amount_out:
            best = path
    if best is None:
        assert failure is not None
        raise failure
    return best


def ways(token_in: Token, token_out: Token, book: PoolBook) -> list[tuple[Token, ...]]:
    """Return the tokens to go through on each way there is, the last one always the one bought."""
    if book.between(token_in, token_out):
        return [(token_out,)]
    hubs = [hub for hub in HUBS if hub not in (token_in, token_out)]
    return [
        (hub, token_out)
        for hub in hubs
        if book.between(token_in, hub) and book.between(hub, token_out)
    ]


def pools_on_the_way(token_in: Token, token_out: Token, book: PoolBook) -> frozenset[str]:
    """Return the ids of all pools that a swap might go through."""
    found: set[str] = set()
    for way in ways(token_in, token_out, book):
        for paid, bought in pairwise((token_in, *way)):
            found.update(pool.id for pool in book.between(paid, bought))
    return frozenset(found)


def leg_cost(token_out: Token, book: PoolBook, lamports: int) -> int:
    """Return what `lamports` are worth in atoms of `token_out` at spot; 0 where nobody knows."""
    worth: Fraction = Fraction(lamports)
    if token_out == SOL:
        return lamports
    if direct := book.between(SOL, token_out):
        return int(worth * direct[0].spot(direct[0].into(token_out)))
    over, onward = book.between(SOL, USDC), book.between(USDC, token_out)
    if not over or not onward:
        return 0
    worth *= over[0].spot(over[0].into(USDC)) * onward[0].spot(onward[0].into(token_out))
    return int(worth)


def _walk(
    swap: Swap, way: Sequence[Token], book: PoolBook, allow_split: bool, lamports: int
) -> Path:
    amount, paid, hops = swap.amount_in, swap.token_in, []
    for bought in way:
        pools = book.between(paid, bought)
        cost = leg_cost(bought, book, lamports)
        hop = _best_hop(amount, pools, bought, book.now, allow_split, cost)
        hops.append(hop)
        amount, paid = hop.amount_out, bought
    return Path(tuple(hops))


def _best_hop(
    amount: int, pools: Sequence[ListedPool], bought: Token, now: int, allow_split: bool, cost: int
) -> HopFill:
    """Return the best of every pool alone and, if allowed, of their best combination."""
    candidates: list[Sequence[tuple[ListedPool, int]]] = [[(pool, 1)] for pool in pools]
    failures: list[EngineError] = []
    if allow_split and len(pools) > 1:
        try:
            sides = [(pool.state, pool.into(bought)) for pool in pools]
            parts = zip(pools, optimal_split(sides, amount, now), strict=True)
            candidates.append([(pool, part) for pool, part in parts if part])
        except EngineError as error:
            failures.append(error)
    filled: list[HopFill] = []
    for candidate in candidates:
        try:
            filled.append(spend(amount, candidate, bought, now))
        except EngineError as error:
            failures.append(error)
    if not filled:
        raise failures[0]
    # max keeps the first of equals: fewer legs, then the lower pool id.
    return max(filled, key=lambda hop: hop.amount_out - cost * (len(hop.fills) - 1))
