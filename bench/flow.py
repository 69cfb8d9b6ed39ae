"""A flow of orders of every size through a moving market, without a database: who wins what."""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from random import Random

from bench.stack import BenchFailed
from engine.amounts import in_bps, min_amount_out
from engine.devnet.chain import CHAIN, Chain, Rules
from engine.devnet.genesis import USD, genesis_pools
from engine.errors import EngineError
from engine.pools.book import PoolBook
from engine.pools.swap import Direction
from engine.swaps.swap import Quote, Swap
from engine.swaps.transaction import SignedTransaction, StatusReport, TransactionState, decode
from engine.tokens import BONK, JUP, ORCA, RAY, SOL, USDC, USDT, WIF, Token
from engine.venues.routing import BestRoute, best_route
from engine.venues.simulated import SimulatedVenue

SEED = "bench"
RULES = Rules(SEED)
ORDERS = 1_000
ORDERS_PER_SLOT = 4
SLIPPAGE_BPS = 50
LEG_COST_LAMPORTS = 5_000

_SMALLEST_USD, _MOST_USD, _BIGGEST_USD = 0.1, 5_000, 150_000
_PAIRS = (
    *((SOL, USDC), (SOL, USDT), (USDC, USDT), (JUP, USDC), (JUP, SOL)),
    *((RAY, USDC), (RAY, SOL), (BONK, USDC), (BONK, SOL)),
)
_TWO_LEG_PAIRS = ((ORCA, JUP), (WIF, BONK), (RAY, BONK), (USDT, JUP))
_SOL_USDC = ("raydium:SOL-USDC", "meteora:SOL-USDC")


class FixedBook:
    """A ledger that shows one book and takes nothing: the flow executes on the chain itself."""

    def __init__(self, book: PoolBook) -> None:
        self.shown = book

    async def slot(self) -> int:
        return self.shown.slot

    async def book(self) -> PoolBook:
        return self.shown

    async def submit(self, transaction: SignedTransaction) -> None:
        raise BenchFailed("nothing is sent to this ledger")

    async def submit_many(
        self, transactions: Sequence[SignedTransaction]
    ) -> Sequence[EngineError | None]:
        raise BenchFailed("nothing is sent to this ledger")

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        raise BenchFailed("nothing is asked of this ledger")


def venues_on(ledger: FixedBook) -> list[SimulatedVenue]:
    """Return the devnet's venues, answering at once."""
    return [
        SimulatedVenue(
            name.lower(),
            name,
            ledger,
            RULES,
            quote_latency_ms=0,
            quote_validity_slots=25,
            validity_slots=150,
        )
        for name in ("Raydium", "Meteora")
    ]


@dataclass(slots=True)
class Flow:
    """What became of the orders, by who won them and how big they were."""

    won: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    split_gains_bps: list[float] = field(default_factory=list)
    """What a combination of venues promised beyond the best of them alone."""
    distances_bps: list[Decimal] = field(default_factory=list)
    """Between the venues' SOL/USDC prices after each slot."""
    atoms_made_or_lost: int = 0


SIZES = {"under $100": 100, "$100 to $5,000": _MOST_USD, "over $5,000": math.inf}


def run_flow() -> Flow:
    """Quote, build and execute the orders, some in every slot, each quoted on the slot before."""
    return asyncio.run(_run_flow())


async def _run_flow() -> Flow:
    flow, chance = Flow(), Random(SEED)
    chain = Chain({pool.id: pool for pool in genesis_pools()}, RULES)
    traders: Counter[str] = Counter()
    issued = _held(chain)
    for slot in range(1, ORDERS // ORDERS_PER_SLOT + 1):
        venues = venues_on(FixedBook(PoolBook(CHAIN, slot - 1, dict(chain.pools))))
        sent = []
        for n in range(ORDERS_PER_SLOT):
            swap, dollars = _order(chance)
            best = await best_route(
                swap, venues, deadline_ms=10_000, leg_cost_lamports=LEG_COST_LAMPORTS
            )
            _count(flow, best, next(name for name, most in SIZES.items() if dollars <= most))
            sent.append(await _built(best.quote, venues, memo=f"{slot}-{n}"))
        for transaction in sent:
            swapped = decode(transaction.payload)
            status = chain.execute(swapped, slot)
            flow.outcomes[status.code or status.state] += 1
            if status.state is TransactionState.LANDED:
                assert status.amount_out is not None
                traders[swapped.token_in] -= swapped.amount_in
                traders[swapped.token_out] += status.amount_out
        chain.move_market(slot)
        flow.distances_bps.append(_distance_bps(chain))
    held = _held(chain)
    for mint, atoms in issued.items():
        left = held[mint] + chain.market_gains[mint] + traders[mint]
        flow.atoms_made_or_lost += abs(left - atoms)
    return flow


def _order(chance: Random) -> tuple[Swap, float]:
    """Return an order and its size in dollars: one in ten is big, one in four needs two hops."""
    paid, bought = chance.choice(_TWO_LEG_PAIRS if chance.random() < 0.25 else _PAIRS)
    if chance.getrandbits(1):
        paid, bought = bought, paid
    big = chance.random() < 0.1
    least, most = (_MOST_USD, _BIGGEST_USD) if big else (_SMALLEST_USD, _MOST_USD)
    dollars = math.exp(chance.uniform(math.log(least), math.log(most)))
    return swap_of(paid, bought, dollars), dollars


def swap_of(paid: Token, bought: Token, dollars: float) -> Swap:
    """Return a swap that pays what is worth so many dollars at the start."""
    return Swap(paid, bought, int(dollars / float(USD[paid]) * 10**paid.decimals))


def _count(flow: Flow, best: BestRoute, size: str) -> None:
    route = best.quote.route
    hops = [list(legs) for _, legs in groupby(route, key=lambda leg: leg.token_in)]
    venues = {leg.venue for leg in route}
    winner = route[0].venue.title()
    if len(venues) > 1:
        winner = "split" if any(len(legs) > 1 for legs in hops) else "a venue each"
    flow.won[f"{'one hop' if len(hops) == 1 else 'two hops'}: {winner}", size] += 1
    alone = best.compared[0].amount_out
    assert alone is not None
    if len(venues) > 1:
        flow.split_gains_bps.append((best.quote.amount_out / alone - 1) * 10_000)


async def _built(quote: Quote, venues: Sequence[SimulatedVenue], memo: str) -> SignedTransaction:
    venue = next(venue for venue in venues if venue.id == quote.venue)
    floor = min_amount_out(quote.amount_out, SLIPPAGE_BPS)
    return await venue.build(quote, min_amount_out=floor, memo=memo, nonce=1)


def _distance_bps(chain: Chain) -> Decimal:
    one, other = (chain.pools[id].spot(Direction.SELL_X) for id in _SOL_USDC)
    return in_bps(abs(one - other) / min(one, other))


def _held(chain: Chain) -> Counter[str]:
    held: Counter[str] = Counter()
    for pool in chain.pools.values():
        held[pool.token_x.mint] += pool.reserves.x + pool.fees_x
        held[pool.token_y.mint] += pool.reserves.y + pool.fees_y
    return held
