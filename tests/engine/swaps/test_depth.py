"""Only pools as deep as was asked for take part."""

from typing import Any

import pytest

from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.swaps.paths import best_path
from engine.swaps.swap import Swap
from engine.tokens import SOL, USDC, Token
from tests.engine.swaps.books import thin

NEW = Token("NEW", "NewTokenMint1111111111111111111111111111111", 6, "NEW")


def sniped(min_liquidity: int, book: PoolBook, paid: Token = SOL, amount_in: int = 10**8) -> Any:
    return best_path(
        Swap(paid, NEW, amount_in, min_liquidity=min_liquidity), book, allow_split=True
    )


def new_pools() -> PoolBook:
    deep = thin("500000", "1000", venues=["raydium"], quote=SOL, base=NEW)
    return thin("1000", "1", venues=["meteora"], quote=SOL, base=NEW, book=deep)


def test_only_pools_deep_enough_take_part() -> None:
    book = new_pools()

    assert sniped(0, book).route[0].pool == "meteora:NEW-SOL"
    assert [leg.pool for leg in sniped(100 * 10**9, book).route] == ["raydium:NEW-SOL"]
    for least, shown in ((1_001 * 10**9, book), (100 * 10**9, book.of(["meteora"]))):
        with pytest.raises(EngineError) as refused:
            sniped(least, shown)
        assert refused.value.code is ErrorCode.INSUFFICIENT_LIQUIDITY


def test_exactly_enough_is_enough() -> None:
    book = new_pools()

    assert sniped(1_000 * 10**9, book).route[0].pool == "raydium:NEW-SOL"
    assert {leg.pool for leg in sniped(10**9, book).route} == {"meteora:NEW-SOL"}


def test_over_a_hub_depth_counts_in_the_token_paid() -> None:
    book = new_pools()

    found = sniped(149_000 * 10**6, book, USDC, 15 * 10**6)

    assert found.route[-1].pool == "raydium:NEW-SOL"  # 1,000 SOL
    with pytest.raises(EngineError) as refused:
        sniped(151_000 * 10**6, book, USDC, 15 * 10**6)
    assert refused.value.code is ErrorCode.INSUFFICIENT_LIQUIDITY
