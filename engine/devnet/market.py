"""The market's own traders: noise, and arbitrage towards a reference price that wanders.

Both trade through the same pools as everybody else. Nothing here is remembered: what happens in a
slot follows from the seed, the slot's number and the pools.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from random import Random

from engine.devnet.chance import draw
from engine.devnet.genesis import USD, genesis_rate
from engine.pools.bins import ONE, bin_price
from engine.pools.book import chain_seconds
from engine.pools.listed import ListedPool, PoolKind
from engine.pools.marginal import amount_to_rate
from engine.pools.swap import Direction
from engine.tokens import BONK, JITOSOL, MSOL, PENGU, SOL, USDC, USDT, WIF, Token

NOISE_TRADES_PER_SLOT = 3

_TICK_BPS = 1
"""The reference price moves in ticks of a basis point."""

_FOLLOWS = {MSOL: SOL, JITOSOL: SOL, USDT: USDC}
_AMPLITUDE_TICKS = {
    USDC: 0,
    USDT: 12,
    MSOL: 12,
    JITOSOL: 12,
    SOL: 200,
    BONK: 400,
    PENGU: 400,
    WIF: 400,
}
"""How far a token's reference may wander from its start, or from the token it follows."""

_USUAL_AMPLITUDE_TICKS = 250

# Waves of the reference path: slots from one crest to the next at most, and part of the amplitude.
_WAVES = ((32, 1), (256, 2), (2_048, 4), (16_384, 9))
_WAVES_TOTAL = sum(part for _, part in _WAVES)

# A noise trade's median is this part of what the pool holds of the bought token.
_NOISE_DIVISOR = {PoolKind.CONSTANT_PRODUCT: 5_000, PoolKind.DLMM: 200}
_SIZE_STEP_BPS = 100
_MAX_SIZE_STEPS = 300

# An arbitrageur leaves what is not worth a transaction.
_ARBITRAGE_DIVISOR = 50_000


@dataclass(frozen=True, slots=True)
class MarketOrder:
    """A trade the market wants: `amount_in` atoms into a pool."""

    pool: str
    direction: Direction
    amount_in: int


class Market:
    """The traders of one seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def orders(self, slot: int, pools: Mapping[str, ListedPool]) -> Iterator[MarketOrder]:
        """Yield this slot's trades one by one, each for the pools as the last one left them.

        After the last, no pool with a reference price is further from it than its own fee.
        """
        moved = sorted(id for id, pool in pools.items() if _has_reference(pool))
        if not moved:
            return
        chance = Random(draw(self._seed, "noise", slot))  # noqa: S311 - repeatable on purpose
        for _ in range(NOISE_TRADES_PER_SLOT):
            pool = pools[moved[chance.randrange(len(moved))]]
            yield from self._noise(pool, chance)
        for id in moved:
            yield from self._arbitrage(pools[id], slot)

    def reference(self, token_x: Token, token_y: Token, slot: int) -> Fraction:
        """Return the price everybody believes in: atoms of Y per atom of X."""
        ticks = self._ticks(token_x, slot) - self._ticks(token_y, slot)
        return _genesis_rate(token_x, token_y) * Fraction(bin_price(_TICK_BPS, ticks), ONE)

    def _noise(self, pool: ListedPool, chance: Random) -> Iterator[MarketOrder]:
        direction = Direction.SELL_X if chance.getrandbits(1) else Direction.SELL_Y
        # The sum of twelve uniform draws is close to normal: the size is log-normal, in integers.
        steps = sum(chance.randrange(2 * 17) - 17 for _ in range(12))
        steps = max(-_MAX_SIZE_STEPS, min(_MAX_SIZE_STEPS, steps))
        held_x, held_y = pool.reserves
        held_out = held_y if direction is Direction.SELL_X else held_x
        median = held_out / pool.spot(direction) / _NOISE_DIVISOR[pool.kind]
        amount_in = int(median * bin_price(_SIZE_STEP_BPS, steps) / ONE)
        if amount_in:
            yield MarketOrder(pool.id, direction, amount_in)

    def _arbitrage(self, pool: ListedPool, slot: int) -> Iterator[MarketOrder]:
        rate = self.reference(pool.token_x, pool.token_y, slot)
        held = dict(zip(Direction, pool.reserves, strict=True))
        for direction, limit in ((Direction.SELL_X, rate), (Direction.SELL_Y, 1 / rate)):
            if pool.spot(direction) <= limit:
                continue  # selling below the reference is nobody's gain
            amount_in = amount_to_rate(pool.state, direction, limit, chain_seconds(slot))
            if amount_in * _ARBITRAGE_DIVISOR > held[direction]:
                yield MarketOrder(pool.id, direction, amount_in)

    def _ticks(self, token: Token, slot: int) -> int:
        """Return how many ticks a token is above its start: waves between seeded heights."""
        amplitude = _AMPLITUDE_TICKS.get(token, _USUAL_AMPLITUDE_TICKS)
        ticks = self._ticks(_FOLLOWS[token], slot) if token in _FOLLOWS else 0
        for period, part in _WAVES:
            crest, along = divmod(slot, period)
            height = _height(self._seed, token.symbol, period, crest)
            next_height = _height(self._seed, token.symbol, period, crest + 1)
            wave = height * (period - along) + next_height * along
            ticks += wave * amplitude * part // (_WAVES_TOTAL * period * ONE)
        return ticks


@lru_cache(maxsize=1 << 12)
def _height(seed: str, symbol: str, period: int, crest: int) -> int:
    """Return -2^64 … 2^64; 0 at the start, where prices are what genesis says."""
    return 2 * draw(seed, "wave", symbol, period, crest) - ONE if crest else 0


@lru_cache(maxsize=1 << 10)
def _genesis_rate(token_x: Token, token_y: Token) -> Fraction:
    return genesis_rate(token_x, token_y)


def _has_reference(pool: ListedPool) -> bool:
    return pool.token_x in USD and pool.token_y in USD
