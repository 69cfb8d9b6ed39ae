"""What holds for every pool and amount: no swap takes value from a pool, no atom is lost."""

from typing import TypeAlias

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.amounts import MAX_ATOMS
from engine.pools import cpmm, dlmm
from engine.pools.bins import DlmmParameters, bin_price
from engine.pools.cpmm import ConstantProductPool, FeeRates
from engine.pools.dlmm import Bin, DlmmPool, Volatility
from engine.pools.swap import (
    Direction,
    FeeToken,
    InsufficientLiquidity,
    PoolError,
    SwapResult,
    ZeroOutput,
)

Pool: TypeAlias = ConstantProductPool | DlmmPool
Result: TypeAlias = SwapResult[ConstantProductPool] | SwapResult[DlmmPool]
OPPOSITE = {Direction.SELL_X: Direction.SELL_Y, Direction.SELL_Y: Direction.SELL_X}
NOW = 1_700_000_000
# (base_factor, variable_fee_control). Never a variable fee without a base fee: the bin at the index
# reference is free then, and test_dlmm.py shows the atom that an exact input loses before it.
DLMM_FEES = ((0, 0), (8_000, 0), (10_000, 40_000), (50_000, 1_000_000))

prop = settings(deadline=None, max_examples=100)

# Powers of two draw small and large amounts alike.
atoms = st.integers(0, 60).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1) - 1))
directions = st.sampled_from(Direction)


@st.composite
def fee_rates(draw: st.DrawFn) -> FeeRates:
    return FeeRates(
        draw(st.sampled_from([0, 1, 100, 2_500, 10_000, 400_000])),
        protocol_fee_rate=draw(st.sampled_from([0, 120_000, 500_000])),
        fund_fee_rate=draw(st.sampled_from([0, 40_000, 500_000])),
        creator_fee_rate=draw(st.sampled_from([0, 500, 10_000, 300_000])),
        creator_fee_on=draw(st.sampled_from(FeeToken)),
    )


constant_product_pools = st.builds(ConstantProductPool, atoms, atoms, fee_rates())


@st.composite
def dlmm_pools(draw: st.DrawFn) -> DlmmPool:
    base_factor, variable_fee_control = draw(st.sampled_from(DLMM_FEES))
    parameters = DlmmParameters(
        bin_step=draw(st.sampled_from([1, 10, 25, 100, 400])),
        base_factor=base_factor,
        variable_fee_control=variable_fee_control,
        collect_fee_mode=draw(st.sampled_from([FeeToken.INPUT, FeeToken.Y])),
    )
    active_id = draw(st.integers(-900, 900))
    amount = st.one_of(st.just(0), atoms)
    bins = [Bin(active_id, draw(amount), draw(amount))]
    for away in draw(st.sets(st.integers(1, 12))):
        bins.append(Bin(active_id - away, 0, draw(amount)))
    for away in draw(st.sets(st.integers(1, 12))):
        bins.append(Bin(active_id + away, draw(amount), 0))
    volatility = Volatility(
        volatility_accumulator=draw(st.integers(0, 350_000)),
        volatility_reference=draw(st.integers(0, 175_000)),
        index_reference=active_id + draw(st.integers(-20, 20)),
        last_update_timestamp=NOW - draw(st.sampled_from([0, 29, 30, 599, 600])),
    )
    return DlmmPool.from_bins(parameters, volatility, active_id, bins)


pools = st.one_of(constant_product_pools, dlmm_pools())


def exact_in(pool: Pool, amount_in: int, direction: Direction) -> Result:
    if isinstance(pool, ConstantProductPool):
        return cpmm.swap_exact_in(pool, amount_in, direction)
    return dlmm.swap_exact_in(pool, amount_in, direction, NOW)


def executed(pool: Pool, amount: int, direction: Direction) -> Result:
    """Swap, or drop the example if the pool refuses it."""
    try:
        return exact_in(pool, amount, direction)
    except PoolError:
        assume(False)
        raise


def holdings(pool: Pool) -> tuple[int, int]:
    """Return all X and all Y the pool holds for its providers."""
    if isinstance(pool, ConstantProductPool):
        return pool.reserve_x, pool.reserve_y
    return sum(b.amount_x for b in pool.bins), sum(b.amount_y for b in pool.bins)


def fees_kept_apart(pool: Pool, result: Result, direction: Direction) -> tuple[int, int]:
    """Return the fees in X and in Y that are not in the pool after the swap."""
    fees = {True: 0, False: 0}  # by whether the token is the one paid in
    if isinstance(pool, ConstantProductPool):
        fees[True] += result.protocol_fee + result.fund_fee
        fees[pool.fees.creator_fee_on.is_input(direction)] += result.creator_fee
    else:
        fees[result.fee_on_input] += result.fee
    selling_x = direction is Direction.SELL_X
    return fees[selling_x], fees[not selling_x]


@prop
@given(constant_product_pools, atoms, directions)
def test_the_product_never_falls(
    pool: ConstantProductPool, amount: int, direction: Direction
) -> None:
    after = executed(pool, amount, direction).pool

    assert isinstance(after, ConstantProductPool)
    assert after.reserve_x * after.reserve_y >= pool.reserve_x * pool.reserve_y


@prop
@given(dlmm_pools(), atoms, directions)
def test_no_bin_loses_value_at_its_own_price(
    pool: DlmmPool, amount: int, direction: Direction
) -> None:
    after = executed(pool, amount, direction).pool

    def value(bins: tuple[Bin, ...]) -> dict[int, int]:
        step = pool.parameters.bin_step
        return {i: x * bin_price(step, i) + (y << 64) for i, x, y in bins}

    assert isinstance(after, DlmmPool)
    worth = value(after.bins)
    assert all(worth.get(i, 0) >= before for i, before in value(pool.bins).items())


@prop
@given(pools, atoms, atoms, directions)
def test_output_grows_with_input(pool: Pool, amount: int, more: int, direction: Direction) -> None:
    smaller = executed(pool, amount, direction)
    try:
        greater = exact_in(pool, amount + more, direction)
    except InsufficientLiquidity:
        return

    assert greater.amount_out >= smaller.amount_out


@prop
@given(pools, atoms, directions)
def test_a_round_trip_never_gains(pool: Pool, amount: int, direction: Direction) -> None:
    there = executed(pool, amount, direction)
    try:
        back = exact_in(there.pool, there.amount_out, OPPOSITE[direction]).amount_out
    except ZeroOutput:
        return

    assert back <= amount


@prop
@given(pool=pools, trades=st.lists(st.tuples(atoms, directions), min_size=1, max_size=6))
def test_no_atom_is_made_or_lost(pool: Pool, trades: list[tuple[int, Direction]]) -> None:
    for amount, direction in trades:
        try:
            result = exact_in(pool, amount, direction)
        except PoolError:
            continue
        paid, received = result.amount_in, result.amount_out
        from_trader = (paid, -received) if direction is Direction.SELL_X else (-received, paid)
        fees = fees_kept_apart(pool, result, direction)

        for token in (0, 1):
            change = holdings(result.pool)[token] - holdings(pool)[token]
            assert change == from_trader[token] - fees[token]
        pool = result.pool


@prop
@given(pools, atoms, directions)
def test_fees_and_amounts_are_atoms_and_parts_of_the_whole(
    pool: Pool, amount: int, direction: Direction
) -> None:
    result = executed(pool, amount, direction)

    assert 1 <= result.amount_out <= MAX_ATOMS
    assert 0 <= result.protocol_fee + result.fund_fee <= result.fee
    assert result.creator_fee >= 0
    assert not result.fee_on_input or result.fee < amount


@prop
@given(dlmm_pools(), atoms, directions)
def test_a_dlmm_pool_is_the_pool_of_its_bins(
    pool: DlmmPool, amount: int, direction: Direction
) -> None:
    after = executed(pool, amount, direction).pool

    assert isinstance(after, DlmmPool)
    rebuilt = DlmmPool.from_bins(after.parameters, after.volatility, after.active_id, after.bins)
    assert rebuilt == after
