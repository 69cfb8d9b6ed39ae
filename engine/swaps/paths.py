"""The best way through a book of pools: directly or over a hub token, and over which pools."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from engine.amounts import in_bps
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.pools.listed import ListedPool
from engine.pools.marginal import best_rate
from engine.pools.swap import InsufficientLiquidity
from engine.swaps.fill import HopFill, spend
from engine.swaps.reasons import most_telling
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
    def legs(self) -> int:
        return sum(len(hop.fills) for hop in self.hops)

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
        """How far below the spot price the trade goes by moving it, without fees and rounding."""
        kept = Fraction(1)
        for hop in self.hops:
            kept *= hop.kept_of_spot
        return in_bps(1 - kept)


def best_path(swap: Swap, book: PoolBook, *, allow_split: bool, leg_cost_lamports: int = 0) -> Path:
    """Return the path with the greatest output, net of what its legs cost.

    It goes directly or over one of HUBS, whichever is better, through pools that hold the swap's
    `min_liquidity`. With `allow_split` a hop may use several pools at once; a transaction is a
    sequence of hops, so one amount is never divided among ways. Of equals it is the one with fewer
    legs. Raises EngineError NO_ROUTE where the book has no path, and the most telling PoolError of
    the ways where none can do it.
    """
    found = _ways(swap.token_in, swap.token_out, book)
    if not found:
        raise EngineError(ErrorCode.NO_ROUTE, "There is no pool for this pair.")
    cost = leg_cost(swap.token_out, book, leg_cost_lamports)
    best, best_net, failures = None, 0, list[EngineError]()
    for way in found:
        # Not even at its best rate could this way win: the maths of it is not done.
        if best is not None and way.most(swap.amount_in) <= best_net:
            continue
        try:
            path = _walk(swap, way.tokens, book, allow_split, leg_cost_lamports)
        except EngineError as error:
            failures.append(error)
            continue
        net = path.amount_out - cost * path.legs
        if best is None or (net, -path.legs) > (best_net, -best.legs):
            best, best_net = path, net
    if best is None:
        raise most_telling(failures)
    return best


def ways(token_in: Token, token_out: Token, book: PoolBook) -> list[tuple[Token, ...]]:
    """Return the tokens to go through on each way there is, the last one always the one bought."""
    return [way.tokens for way in _ways(token_in, token_out, book)]


def highest_rate(token_in: Token, token_out: Token, book: PoolBook) -> Fraction | None:
    """Return atoms out per atom in that no amount beats on any way; None where there is none."""
    rates = (way.best_rate for way in _ways(token_in, token_out, book))
    return max(rates, default=None)


def pools_on_the_way(token_in: Token, token_out: Token, book: PoolBook) -> frozenset[str]:
    """Return the ids of all pools that a swap might go through."""

    def found() -> frozenset[str]:
        return frozenset(
            pool.id
            for way in _ways(token_in, token_out, book)
            for hop in pairwise((token_in, *way.tokens))
            for pool in book.between(*hop)
        )

    return book.once(("pools on the way", token_in, token_out), found)


def leg_cost(token_out: Token, book: PoolBook, lamports: int) -> int:
    """Return what `lamports` are worth in atoms of `token_out` at spot; 0 where nobody knows."""
    return worth(lamports, SOL, token_out, book) if lamports else 0


def worth(atoms: int, token: Token, wanted: Token, book: PoolBook) -> int:
    """Return what atoms of a token are worth in another's at spot; 0 where nobody knows.

    It is the deepest pools' rate, which is the dearest to move.
    """
    if token == wanted:
        return atoms
    rate = book.once(("worth", token, wanted), lambda: _deepest_rate(token, wanted, book))
    return int(atoms * rate)


@dataclass(frozen=True, slots=True)
class _Way:
    """The tokens to go through after the one paid, and what no amount beats."""

    tokens: tuple[Token, ...]
    best_rate: Fraction

    def most(self, amount_in: int) -> int:
        return amount_in * self.best_rate.numerator // self.best_rate.denominator


def _ways(token_in: Token, token_out: Token, book: PoolBook) -> Sequence[_Way]:
    """Return the ways there are: the direct one first, then those over the hubs."""

    def found() -> list[_Way]:
        hubs = [(hub, token_out) for hub in HUBS if hub not in (token_in, token_out)]
        return [
            _Way(tokens, _best_rate(token_in, tokens, book))
            for tokens in [(token_out,), *hubs]
            if all(book.between(*hop) for hop in pairwise((token_in, *tokens)))
        ]

    return book.once(("ways", token_in, token_out), found)


def _best_rate(token_in: Token, way: Sequence[Token], book: PoolBook) -> Fraction:
    rate = Fraction(1)
    for paid, bought in pairwise((token_in, *way)):
        pools = book.between(paid, bought)
        rate *= max(best_rate(pool.state, pool.into(bought)) for pool in pools)
    return rate


def _deepest_rate(token: Token, wanted: Token, book: PoolBook) -> Fraction:
    """Return the spot rate on the way that can take most of `token` at about this rate."""
    best = (Fraction(0), Fraction(0))
    for way in _ways(token, wanted, book):
        rate, depth = Fraction(1), None
        for paid, bought in pairwise((token, *way.tokens)):
            pool = max(book.between(paid, bought), key=lambda pool: pool.holds(paid))
            held = pool.holds(paid) / rate
            depth = held if depth is None else min(depth, held)
            rate *= pool.spot(pool.into(bought))
        best = max(best, (depth or Fraction(0), rate))
    return best[1]


def _walk(
    swap: Swap, way: Sequence[Token], book: PoolBook, allow_split: bool, lamports: int
) -> Path:
    amount, paid, hops = swap.amount_in, swap.token_in, []
    for bought in way:
        pools = _deep_enough(book.between(paid, bought), paid, swap, book)
        # In atoms of what this hop buys, as that is what another leg has to bring.
        cost = leg_cost(bought, book, lamports)
        hop = _best_hop(amount, pools, bought, book.now, allow_split, cost)
        hops.append(hop)
        amount, paid = hop.amount_out, bought
    return Path(tuple(hops))


def _deep_enough(
    pools: Sequence[ListedPool], paid: Token, swap: Swap, book: PoolBook
) -> Sequence[ListedPool]:
    """Return the pools that hold the swap's `min_liquidity` beside the token they sell."""
    least = swap.min_liquidity
    if not least:
        return pools
    deep = [p for p in pools if worth(p.holds(paid), paid, swap.token_in, book) >= least]
    if not deep:
        raise InsufficientLiquidity(min_liquidity=least)
    return deep


def _best_hop(
    amount: int, pools: Sequence[ListedPool], bought: Token, now: int, allow_split: bool, cost: int
) -> HopFill:
    """Return the best of every pool alone and, if allowed, of their best combinations."""
    filled: list[HopFill] = []
    failures: list[EngineError] = []
    splits = _splits(amount, pools, bought, now) if allow_split else ()
    for candidate in (*([(pool, 1)] for pool in pools), *splits):
        try:
            filled.append(spend(amount, candidate, bought, now))
        except EngineError as error:
            failures.append(error)
    if not filled:
        raise most_telling(failures)
    # max keeps the first of equals: fewer legs, then the lower pool id.
    return max(filled, key=lambda hop: hop.amount_out - cost * (len(hop.fills) - 1))


def _splits(
    amount: int, pools: Sequence[ListedPool], bought: Token, now: int
) -> Iterator[Sequence[tuple[ListedPool, int]]]:
    """Yield the best split over all pools, over all but that of the least part, and so on."""
    used = pools
    while len(used) > 1:
        try:
            sides = [(pool.state, pool.into(bought)) for pool in used]
            parts = optimal_split(sides, amount, now)
        except EngineError:
            return  # none of them alone can do it either, and says why
        split = [(pool, part) for pool, part in zip(used, parts, strict=True) if part]
        if len(split) < 2:
            return
        yield split
        least = min(split, key=lambda leg: leg[1])
        # The least part is the likeliest not to be worth the cost of its leg.
        used = [leg[0] for leg in split if leg is not least]
