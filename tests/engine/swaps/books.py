"""Books of pools to find paths on."""

from collections.abc import Iterable
from typing import Any

from engine.devnet.genesis import genesis_pools
from engine.devnet.launch import read_launch
from engine.pools.book import PoolBook
from engine.pools.cpmm import ConstantProductPool, FeeRates
from engine.pools.listed import ListedPool
from engine.swaps.paths import best_path
from engine.swaps.swap import Swap
from engine.tokens import GENESIS, SOL, USDC, WIF, Token

BOOK = PoolBook("devnet", 1, {pool.id: pool for pool in genesis_pools()})
RAYDIUM = BOOK.of(["raydium"])
LAMPORTS = 5_000


def path(
    amount_in: int, paid: Token = SOL, bought: Token = USDC, book: PoolBook = BOOK, **given: Any
) -> Any:
    return best_path(
        Swap(paid, bought, amount_in),
        book,
        **{"allow_split": True, "leg_cost_lamports": LAMPORTS} | given,
    )


def pool_of(x: int, y: int, fees: int = 0, id: str = "one") -> PoolBook:
    state = ConstantProductPool(x, y, FeeRates(fees))
    return PoolBook("test", 1, {id: ListedPool(id, "venue", SOL, USDC, state)})


def thin(
    x: str,
    y: str,
    *,
    venues: Iterable[str] = ("meteora", "raydium"),
    quote: Token = USDC,
    base: Token = WIF,
    book: PoolBook = BOOK,
) -> PoolBook:
    """The book with a pool of these whole units opened on each venue."""
    opened = [
        read_launch(
            GENESIS,
            venue=venue,
            mint=base.mint,
            symbol=base.symbol,
            decimals=base.decimals,
            quote_token=quote.symbol,
            reserve=x,
            quote_reserve=y,
        )
        for venue in venues
    ]
    return PoolBook("devnet", 1, {**book.pools, **{pool.id: pool for pool in opened}})
