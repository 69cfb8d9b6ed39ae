"""A slot: every outcome, all hops or none, and no atom made or lost."""

import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.devnet.chain import Chain, Rules
from engine.devnet.genesis import genesis_pools
from engine.errors import EngineError, ErrorCode
from engine.pools.book import PoolBook
from engine.pools.listed import ListedPool
from engine.swaps.paths import best_path
from engine.swaps.simulation import Fault, VenueFaults
from engine.swaps.swap import Swap
from engine.swaps.transaction import Hop, PoolShare, SwapTransaction, TransactionState
from engine.tokens import BONK, JUP, ORCA, RAY, SOL, TOKENS, USDC, Token
from engine.venues.simulated import _hops

SLOT = 10


def genesis() -> dict[str, ListedPool]:
    return {pool.id: pool for pool in genesis_pools()}


@pytest.fixture
def chain() -> Chain:
    return Chain(genesis(), Rules("test", market_moves=False))


def transaction(*hops: tuple[str, list[tuple[str, int]]], **given: Any) -> SwapTransaction:
    """Sell one SOL to Raydium's SOL/USDC pool, unless told otherwise."""
    asked = hops or ((USDC.mint, [("raydium:SOL-USDC", 1)]),)
    defaults: dict[str, Any] = {
        "venue": "raydium",
        "token_in": SOL.mint,
        "amount_in": 10**9,
        "hops": tuple(
            Hop(out, tuple(PoolShare(*share) for share in shares)) for out, shares in asked
        ),
        "min_amount_out": 1,
        "memo": "order",
        "nonce": 1,
        "last_valid_slot": SLOT,
    }
    return SwapTransaction(**defaults | given)


def outcome(chain: Chain, swap: SwapTransaction, slot: int = SLOT) -> tuple[str, str | None]:
    status = chain.execute(swap, slot)
    return status.state, status.code


def test_a_swap_lands_with_its_fill_and_moves_the_pool(chain: Chain) -> None:
    status = chain.execute(transaction(), SLOT)

    assert (status.state, status.amount_out, status.fee, status.slot) == (
        TransactionState.LANDED,
        149_622_015,
        2_500_000,
        SLOT,
    )
    (leg,) = status.route
    assert (leg.pool, leg.amount_in, leg.amount_out) == ("raydium:SOL-USDC", 10**9, 149_622_015)
    pool = chain.pools["raydium:SOL-USDC"]
    # 12 % and 4 % of the fee are the protocol's and the fund's, kept apart from the reserve.
    assert pool.reserves == (50_000 * 10**9 + 10**9 - 400_000, 7_500_000 * 10**6 - 149_622_015)
    assert (pool.fees_x, pool.fees_y) == (400_000, 0)
    assert [changed.id for changed in chain.changed] == ["raydium:SOL-USDC"]


def test_exactly_the_floor_lands_and_an_atom_below_reverts(chain: Chain) -> None:
    floor = 149_622_015

    assert outcome(chain, transaction(min_amount_out=floor + 1)) == (
        TransactionState.REVERTED,
        ErrorCode.SLIPPAGE_EXCEEDED,
    )
    assert chain.pools == genesis()
    assert outcome(chain, transaction(min_amount_out=floor)) == (TransactionState.LANDED, None)


@pytest.mark.parametrize(
    ("swap", "state", "code"),
    [
        (transaction(last_valid_slot=SLOT - 1), "EXPIRED", "TRANSACTION_EXPIRED"),
        (transaction(fault=Fault.DROPPED_TRANSACTION), "DROPPED", "TRANSACTION_DROPPED"),
        (transaction(fault=Fault.SLIPPAGE), "REVERTED", "SLIPPAGE_EXCEEDED"),
        (transaction(amount_in=1), "REVERTED", "ZERO_OUTPUT"),
        (
            transaction((USDC.mint, [("meteora:SOL-USDC", 1)]), amount_in=10**13),
            "REVERTED",
            "INSUFFICIENT_LIQUIDITY",
        ),
        (transaction((USDC.mint, [("nowhere", 1)])), "REVERTED", "VENUE_REJECTED"),
        (transaction((BONK.mint, [("raydium:SOL-USDC", 1)])), "REVERTED", "VENUE_REJECTED"),
        (transaction((USDC.mint, [("raydium:SOL-USDC", 0)])), "REVERTED", "VENUE_REJECTED"),
        (transaction(amount_in=0), "REVERTED", "VENUE_REJECTED"),
        (
            transaction((USDC.mint, [("raydium:SOL-USDC", 1), ("raydium:SOL-USDC", 1)])),
            "REVERTED",
            "VENUE_REJECTED",
        ),
        (
            transaction(
                (USDC.mint, [("raydium:SOL-USDC", 1)]), (SOL.mint, [("raydium:SOL-USDC", 1)])
            ),
            "REVERTED",
            "VENUE_REJECTED",
        ),
    ],
)
def test_what_does_not_land_changes_nothing(
    chain: Chain, swap: SwapTransaction, state: str, code: str
) -> None:
    assert outcome(chain, swap) == (state, code)
    assert chain.pools == genesis()
    assert chain.trades == []


def test_two_hops_happen_both_or_not_at_all(chain: Chain) -> None:
    two = transaction((USDC.mint, [("raydium:SOL-USDC", 1)]), (JUP.mint, [("raydium:JUP-USDC", 1)]))
    status = chain.execute(two, SLOT)
    first, second = status.route
    assert first.amount_out == second.amount_in == 149_622_015
    assert status.amount_out == second.amount_out

    before = dict(chain.pools)
    assert outcome(chain, replace(two, min_amount_out=10**12)) == (
        TransactionState.REVERTED,
        ErrorCode.SLIPPAGE_EXCEEDED,
    )
    assert chain.pools == before


def test_side_by_side_the_amount_is_divided_by_weight_to_the_atom(chain: Chain) -> None:
    both = transaction((USDC.mint, [("raydium:SOL-USDC", 2), ("meteora:SOL-USDC", 1)]))

    status = chain.execute(both, SLOT)

    assert [leg.amount_in for leg in status.route] == [666_666_666, 333_333_334]
    assert [leg.share_bps for leg in status.route] == [6_666, 3_334]
    assert status.amount_out == sum(leg.amount_out for leg in status.route)


def test_a_venue_that_drops_some_drops_the_same_ones_again() -> None:
    rules = Rules(
        "test", market_moves=False, faults={"raydium": VenueFaults(drop_rate=Decimal("0.5"))}
    )
    swaps = [transaction(nonce=nonce, amount_in=10**6) for nonce in range(200)]

    runs = [[Chain(genesis(), rules).execute(s, SLOT).state for s in swaps] for _ in range(2)]

    assert runs[0] == runs[1]
    assert 60 < runs[0].count(TransactionState.DROPPED) < 140


def test_a_swap_of_a_twentieth_of_the_depth_moves_the_next_quote_as_the_maths_says(
    chain: Chain,
) -> None:
    chain.execute(transaction(amount_in=2_500 * 10**9), SLOT)

    status = chain.execute(transaction(), SLOT)

    # AMM.md, section 1: fee = cdiv(a·f, 10^6), out = n·y // (x + n), the LP's part stays.
    fee = 2_500 * 10**9 * 2_500 // 10**6
    net = 2_500 * 10**9 - fee
    x, y = 50_000 * 10**9, 7_500_000 * 10**6
    out = net * y // (x + net)
    x, y = x + 2_500 * 10**9 - fee * 12 // 100 - fee * 4 // 100, y - out
    net = 10**9 - 2_500_000
    assert status.amount_out == net * y // (x + net)


def test_after_ten_thousand_random_swaps_every_token_is_still_there() -> None:
    chance = random.Random(20_251)
    chain = Chain(genesis(), Rules("test"))
    traders = dict.fromkeys(TOKENS, 0)
    total = circulating(chain, traders)
    states = []
    for n in range(10_000):
        slot = 1 + n // 10
        paid, bought = chance.sample((SOL, USDC, JUP, RAY, BONK, ORCA), 2)
        amount = int(10 ** chance.uniform(1, 13))
        book = PoolBook("devnet", slot, chain.pools)
        try:
            path = best_path(Swap(paid, bought, amount), book, allow_split=chance.random() < 0.5)
        except EngineError:
            continue
        swap = SwapTransaction(
            venue="raydium",
            token_in=paid.mint,
            amount_in=amount,
            hops=_hops(path.route),
            min_amount_out=path.amount_out * chance.choice((0, 1, 2)),
            memo=str(n),
            nonce=1,
            last_valid_slot=slot,
        )
        status = chain.execute(swap, slot)
        states.append(status.state)
        if status.state is TransactionState.LANDED:
            # What was quoted on these very pools is what is executed, to the atom.
            assert (status.amount_out, status.route) == (path.amount_out, path.route)
            traders[paid] -= amount
            traders[bought] += path.amount_out
        if n % 10 == 9:
            chain.move_market(slot)

    assert circulating(chain, traders) == total
    assert states.count(TransactionState.LANDED) > 5_000
    assert states.count(TransactionState.REVERTED) > 1_000


def circulating(chain: Chain, traders: Mapping[Token, int]) -> dict[Token, int]:
    total = dict(traders)
    for pool in chain.pools.values():
        total[pool.token_x] += pool.reserves.x + pool.fees_x
        total[pool.token_y] += pool.reserves.y + pool.fees_y
    for token in TOKENS:
        total[token] += chain.market_gains[token.mint]
    return total
