"""A look at the market: what waiting orders see, and what those before them leave."""

from decimal import Decimal
from typing import Any

from engine.devnet.genesis import genesis_pools
from engine.orders.triggers import Look
from engine.pools.book import PoolBook
from engine.pools.cpmm import ConstantProductPool
from engine.pools.listed import ListedPool
from engine.swaps.swap import Swap
from engine.tokens import HNT, SOL, USDC, WIF

GENESIS = {pool.id: pool for pool in genesis_pools()}
THIN = ListedPool(
    "raydium:WIF-USDC", "raydium", WIF, USDC, ConstantProductPool(20 * 10**6, 10 * 10**6)
)


def look(*more: ListedPool, **given: Any) -> Look:
    pools = GENESIS | {pool.id: pool for pool in more}
    return Look(PoolBook("devnet", 1, pools), **{"leg_cost_lamports": 5_000} | given)


def test_a_thin_pool_hides_neither_the_quote_nor_the_price_over_a_hub() -> None:
    swap = Swap(WIF, USDC, 10_000 * 10**6)

    assert look(THIN).quote(swap).amount_out == look().quote(swap).amount_out == 4_962_652_922
    dear = ListedPool("raydium:WIF-USDC", "raydium", WIF, USDC, ConstantProductPool(10**9, 10**6))
    assert look(dear).best_price(WIF, USDC) == look().best_price(WIF, USDC)


def test_nobody_gets_more_than_the_best_price() -> None:
    for pair in ((SOL, USDC), (USDC, SOL), (WIF, USDC), (HNT, USDC)):
        best = look(THIN).best_price(*pair)
        for amount_in in (10**4, 10**6, 10**9):
            path = look(THIN).quote(Swap(*pair, amount_in))
            each = Decimal(path.amount_out).scaleb(-pair[1].decimals) / Decimal(amount_in).scaleb(
                -pair[0].decimals
            )
            assert each <= best

    assert look().best_price(HNT, THIN.token_x) == look(THIN).best_price(HNT, WIF)
    assert Look(PoolBook("devnet", 1, {}), leg_cost_lamports=0).best_price(SOL, USDC) is None


def test_what_one_order_takes_the_next_does_not_find() -> None:
    seen = look()
    swap = Swap(SOL, USDC, 500 * 10**9)
    outputs = []
    for _ in range(3):
        path = seen.quote(swap)
        seen.take(path)
        outputs.append(path.amount_out)

    assert outputs == sorted(outputs, reverse=True)
    assert len(set(outputs)) == 3
    after = {fill.pool.id: fill.after for hop in path.hops for fill in hop.fills}
    assert {pool.id: pool for pool in seen.book.between(SOL, USDC)} == after
    assert seen.quote(Swap(SOL, USDC, 10**9, venues=("raydium",))).amount_out < 149_622_015
