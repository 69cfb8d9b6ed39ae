"""The book of pools: found by pair, seen by venue, joined, and remembered while it stands still."""

from collections.abc import Iterable
from dataclasses import replace

from engine.devnet.genesis import genesis_pools
from engine.pools.book import PoolBook, Pools
from engine.pools.listed import ListedPool
from engine.tokens import JUP, ORCA, SOL, USDC

GENESIS = {pool.id: pool for pool in genesis_pools()}
BOOK = PoolBook("devnet", 7, GENESIS)


def ids(pools: Iterable[ListedPool]) -> list[str]:
    return [pool.id for pool in pools]


def fuller(id: str) -> ListedPool:
    return replace(GENESIS[id], fees_x=1)


def test_a_pair_is_found_whichever_token_comes_first() -> None:
    both = ["meteora:SOL-USDC", "raydium:SOL-USDC"]

    assert ids(BOOK.between(SOL, USDC)) == ids(BOOK.between(USDC, SOL)) == both
    assert ids(BOOK.between(ORCA, JUP)) == []
    assert dict(BOOK.pools) == GENESIS


def test_a_venues_book_shows_its_own_pools_only() -> None:
    raydium = BOOK.of(["raydium"])

    assert ids(raydium.between(SOL, USDC)) == ["raydium:SOL-USDC"]
    assert {pool.venue for pool in raydium.pools.values()} == {"raydium"}
    assert raydium.of(["meteora"]).pools == {}
    assert (raydium.chain, raydium.slot) == ("devnet", 7)


def test_what_changed_is_in_the_new_pools_only() -> None:
    before = Pools(GENESIS)
    after = before.with_changed([fuller("raydium:SOL-USDC")])

    assert [pool.fees_x for pool in after.between(SOL, USDC)] == [0, 1]
    assert [pool.fees_x for pool in before.between(SOL, USDC)] == [0, 0]
    assert ids(after.between(USDC, SOL)) == ids(before.between(USDC, SOL))
    assert after["raydium:SOL-USDC"].fees_x == 1


def test_books_join_the_venues_they_show() -> None:
    joined = PoolBook.together([BOOK.of(["meteora"]), BOOK.of(["raydium"])])

    assert ids(joined.between(SOL, USDC)) == ids(BOOK.between(SOL, USDC))
    assert dict(joined.pools) == GENESIS
    assert PoolBook.together([BOOK.of(["meteora"]), BOOK]).pools == GENESIS


def test_of_books_of_two_slots_the_newer_pools_count() -> None:
    pool = fuller("raydium:SOL-USDC")
    newer = PoolBook("devnet", 8, Pools(GENESIS).with_changed([pool]))

    for books in ([BOOK, newer], [newer, BOOK]):
        joined = PoolBook.together(books)
        assert joined.slot == 8
        assert joined.between(SOL, USDC)[1] == pool
        assert joined.pools[pool.id] == pool
    apart = PoolBook.together([BOOK.of(["meteora"]), newer.of(["raydium"])])
    assert [pool.fees_x for pool in apart.between(SOL, USDC)] == [0, 1]


def test_what_was_worked_out_is_remembered_until_a_pool_changes() -> None:
    worked: list[int] = []

    def work() -> int:
        worked.append(len(worked))
        return worked[-1]

    pools = Pools(GENESIS)
    first, next_slot = PoolBook("devnet", 1, pools), PoolBook("devnet", 2, pools)

    assert first.once("it", work) == next_slot.once("it", work) == 0
    assert first.of(["raydium"]).once("it", work) == 1
    assert next_slot.of(["raydium"]).once("it", work) == 1
    assert first.once("else", work) == 2
    changed = pools.with_changed([fuller("raydium:SOL-USDC")])
    assert PoolBook("devnet", 2, changed).once("it", work) == 3
    joined = PoolBook.together([first.of(["meteora"]), next_slot.of(["raydium"])])
    assert joined.once("it", work) == joined.once("it", work) == 4


def test_memory_has_an_end() -> None:
    pools = Pools(GENESIS)
    book = PoolBook("devnet", 1, pools)
    for number in range(10_000):
        book.once(number, lambda: None)

    assert len(pools.remembered) <= 4_096
