"""The market: repeatable, never losing an atom, and keeping the venues within their fees."""

from decimal import Decimal
from fractions import Fraction

import pytest

from engine.devnet.chain import Chain, Rules
from engine.devnet.genesis import genesis_pools
from engine.devnet.market import Market
from engine.pools.listed import ListedPool
from engine.pools.swap import Direction
from engine.tokens import MSOL, SOL, TOKENS, USDC, USDT

SLOTS = 400
BPS = 10_000


def genesis() -> dict[str, ListedPool]:
    return {pool.id: pool for pool in genesis_pools()}


@pytest.fixture(scope="module")
def moved() -> Chain:
    """A chain whose market traded for a while."""
    chain = Chain(genesis(), Rules("test"))
    for slot in range(1, SLOTS + 1):
        chain.move_market(slot)
    return chain


def test_the_same_seed_gives_the_same_pools_and_another_seed_others(moved: Chain) -> None:
    again, other = Chain(genesis(), Rules("test")), Chain(genesis(), Rules("other"))
    for slot in range(1, SLOTS + 1):
        again.move_market(slot)
        other.move_market(slot)

    assert again.pools == moved.pools
    assert [trade.fill.result for trade in again.trades] == [
        trade.fill.result for trade in moved.trades
    ]
    assert other.pools != moved.pools


def test_a_market_that_rests_leaves_everything_alone() -> None:
    chain = Chain(genesis(), Rules("test", market_moves=False))

    chain.move_market(1)

    assert chain.pools == genesis()
    assert chain.trades == []


def test_what_the_pools_lost_the_market_gained_to_the_atom(moved: Chain) -> None:
    held = dict.fromkeys(TOKENS, 0)
    for sign, pools in ((1, moved.pools), (-1, genesis())):
        for pool in pools.values():
            held[pool.token_x] += sign * (pool.reserves.x + pool.fees_x)
            held[pool.token_y] += sign * (pool.reserves.y + pool.fees_y)

    assert {token.mint: -gain for token, gain in held.items()} == {
        token.mint: moved.market_gains[token.mint] for token in TOKENS
    }


def test_no_pool_is_further_from_the_reference_than_its_fee_and_a_bin() -> None:
    chain, market = Chain(genesis(), Rules("test")), Market("test")
    for slot in range(1, SLOTS + 1):
        chain.move_market(slot)
        if slot % 40:
            continue
        for pool in chain.pools.values():
            reference = market.reference(pool.token_x, pool.token_y, slot)
            step = getattr(pool.state, "parameters", None)
            # What is worth less than a transaction is left: half a basis point of a pool.
            allowed = pool.fee_bps + (step.bin_step if step else 0) + 1
            off = abs(pool.spot(Direction.SELL_X) / reference - 1) * BPS
            assert off <= Fraction(Decimal(allowed)), pool.id


def test_prices_wander_but_stay_near_where_they_started() -> None:
    market = Market("test")
    slots = range(0, 40_000, 100)
    start = market.reference(SOL, USDC, 0)

    moves = [market.reference(SOL, USDC, slot) / start - 1 for slot in slots]

    assert moves[0] == 0
    assert max(map(abs, moves)) <= Fraction(21, 1_000)
    assert len(set(moves)) > 50


def test_tokens_that_follow_another_stay_close_to_it() -> None:
    market = Market("test")
    for followed, follower in ((SOL, MSOL), (USDC, USDT)):
        start = market.reference(follower, followed, 0)
        for slot in range(0, 40_000, 500):
            move = market.reference(follower, followed, slot) / start - 1
            assert abs(move) <= Fraction(15, 10_000)


def test_both_venues_trade_in_both_directions(moved: Chain) -> None:
    seen = {(trade.fill.pool.venue, trade.fill.direction) for trade in moved.trades}

    assert seen == {(v, d) for v in ("raydium", "meteora") for d in Direction}
