"""The devnet at its start: pools the programs could have, at the prices their tokens are worth."""

from collections import Counter
from fractions import Fraction

import pytest

from engine.devnet.genesis import USD, genesis_pools, genesis_rate
from engine.pools.listed import ListedPool, PoolKind
from engine.pools.swap import Direction
from engine.tokens import BONK, JUP, RAY, SOL, TOKENS, USDC, USDT

POOLS = list(genesis_pools())


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool.id)
def test_a_pool_starts_at_what_its_tokens_are_worth(pool: ListedPool) -> None:
    rate = genesis_rate(pool.token_x, pool.token_y)
    # A bin of a DLMM pool is a step of up to 25 bps; rounding reserves to atoms costs far less.
    tolerance = Fraction(25 if pool.kind is PoolKind.DLMM else 1, 10_000)

    assert abs(pool.spot(Direction.SELL_X) / rate - 1) <= tolerance


def test_ids_are_unique_and_say_where_and_what() -> None:
    assert len({pool.id for pool in POOLS}) == len(POOLS)
    assert all(
        pool.id == f"{pool.venue}:{pool.token_x.symbol}-{pool.token_y.symbol}" for pool in POOLS
    )


def test_each_venue_has_its_kind_of_pool() -> None:
    kinds = {(pool.venue, pool.kind) for pool in POOLS}

    assert kinds == {("raydium", PoolKind.CONSTANT_PRODUCT), ("meteora", PoolKind.DLMM)}


def test_every_token_trades_on_a_pool_and_the_main_ones_on_both_venues() -> None:
    venues = Counter(
        (token, venue)
        for token in TOKENS
        for venue in {pool.venue for pool in POOLS if token in pool.tokens}
    )

    assert {token for token, _ in venues} == set(TOKENS) == set(USD)
    for token in (SOL, USDC, USDT, BONK, JUP, RAY):
        assert venues[token, "raydium"]
        assert venues[token, "meteora"]
