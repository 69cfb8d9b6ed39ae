"""Pools that open while the devnet runs: their first price, and prices that no pool can have."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.devnet.genesis import bin_of, nearest_bin
from engine.devnet.launch import MAX_DECIMALS, read_launch
from engine.errors import EngineError, ErrorCode
from engine.pools.bins import ONE, bin_price
from engine.pools.dlmm import DlmmPool
from engine.pools.listed import ListedPool
from engine.pools.swap import AmountOutOfRange, Direction
from engine.tokens import GENESIS, base58

MINT = base58(bytes(range(1, 33)))


def launched(
    reserve: str, quote_reserve: str, decimals: int = 6, quote: str = "SOL", venue: str = "meteora"
) -> ListedPool:
    return read_launch(
        GENESIS,
        venue=venue,
        mint=MINT,
        symbol="ODD",
        decimals=decimals,
        quote_token=quote,
        reserve=reserve,
        quote_reserve=quote_reserve,
    )


@pytest.mark.parametrize(
    ("reserve", "quote_reserve", "decimals"),
    [
        ("10", "10000000", 0),  # a million SOL each: the last bin is at 9,207
        ("1", "18446744073.709551615", 0),
        ("18446744", "0.000000001", 12),
        ("10000000", "0.000001", MAX_DECIMALS),
    ],
)
def test_a_price_beyond_the_bins_is_refused_on_meteora_only(
    reserve: str, quote_reserve: str, decimals: int
) -> None:
    with pytest.raises(EngineError) as refused:
        launched(reserve, quote_reserve, decimals)

    assert refused.value.code is ErrorCode.AMOUNT_OUT_OF_RANGE
    assert refused.value.field == ("input", "reserve")
    pool = launched(reserve, quote_reserve, decimals, venue="raydium")
    assert pool.spot(Direction.SELL_X) == Fraction(pool.reserves.y, pool.reserves.x)


def test_the_last_bins_can_still_be_had() -> None:
    # 1.01 ^ ±3000 is 9.2e12 and 1.1e-13.
    dearest, cheapest = launched("10", "92000", 0), launched("10000000", "0.0012", 12)

    assert isinstance(dearest.state, DlmmPool)
    assert isinstance(cheapest.state, DlmmPool)
    assert dearest.state.active_id == 3_000
    assert cheapest.state.active_id == -2_990
    with pytest.raises(EngineError):
        launched("10", "93000", 0)


@given(st.integers(1, 2**50), st.integers(1, 2**50))
def test_the_first_price_is_the_nearest_bins(x: int, y: int) -> None:
    rate = Fraction(y, x)
    try:
        bin_id = nearest_bin(rate, 100)
    except AmountOutOfRange:
        assert not Fraction(1, 9 * 10**12) < rate < 9 * 10**12
        return

    def off(bin_id: int) -> Fraction:
        price = Fraction(bin_price(100, bin_id), ONE)
        return max(price / rate, rate / price)

    assert off(bin_id) <= min(off(bin_id - 1), off(bin_id + 1))
    assert off(bin_id) < Fraction(1_006, 1_000)


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_the_bin_below_never_costs_more(x: int, y: int) -> None:
    rate = Fraction(y, x)
    bin_id = bin_of(rate, 100)

    assert bin_price(100, bin_id) <= rate * ONE < bin_price(100, bin_id + 1)
