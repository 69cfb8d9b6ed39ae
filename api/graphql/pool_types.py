"""GraphQL types of pools and candles."""

from datetime import datetime
from typing import Self

import strawberry

from api.graphql.context import Info
from api.graphql.errors import InvalidArgument
from api.graphql.scalars import DecimalText, atoms, decimal
from api.graphql.types import Node, Token, UserError, Venue
from engine import tokens
from engine.amounts import price
from engine.pools import listed
from engine.pools.listed import PoolKind
from engine.pools.swap import Direction
from models.devnet import candles as candle_store
from models.devnet.pool_tables import CANDLE_SECONDS

_MAX_CANDLE_SECONDS = 86_400
_MAX_CANDLES = 500


@strawberry.type(
    description="A pool of a simulated venue, which answers to every trade. Its id is like "
    "raydium:SOL-USDC."
)
class Pool(Node):
    venue: Venue = strawberry.field(description="The venue that lists it.")
    kind: PoolKind = strawberry.field(description="How it prices.")
    token_x: Token = strawberry.field(description="The base, e.g. SOL of SOL/USDC.")
    token_y: Token = strawberry.field(description="The token prices are in.")
    reserve_x: DecimalText = strawberry.field(description="Whole units of X to trade with.")
    reserve_y: DecimalText = strawberry.field(description="Whole units of Y to trade with.")
    spot_price: DecimalText = strawberry.field(
        description="Y per X before any trade and any fee; of a DLMM pool its active bin's."
    )
    fee_bps: DecimalText = strawberry.field(
        description="What the next small swap is charged, in bps; of a DLMM pool it moves."
    )

    @classmethod
    def from_engine(cls, pool: listed.ListedPool, info: Info) -> Self:
        venue = Venue.from_id(pool.venue, info)
        assert venue is not None
        spot = pool.spot(Direction.SELL_X)
        reserves = pool.reserves
        return cls(
            id=strawberry.ID(pool.id),
            venue=venue,
            kind=pool.kind,
            token_x=Token.from_engine(pool.token_x),
            token_y=Token.from_engine(pool.token_y),
            reserve_x=atoms(reserves.x, pool.token_x),
            reserve_y=atoms(reserves.y, pool.token_y),
            spot_price=decimal(price(spot.denominator, pool.token_x, spot.numerator, pool.token_y)),
            fee_bps=decimal(pool.fee_bps),
        )


@strawberry.type(description="What became of a request to launch a pool.")
class LaunchPoolPayload:
    pool: Pool | None = strawberry.field(description="The pool, open from the next slot on.")
    user_errors: list[UserError] = strawberry.field(description="Why it was refused.")


@strawberry.type(description="What a pair's price did in one stretch of time, fees left out.")
class Candle:
    opened_at: datetime = strawberry.field(description="When the stretch began.")
    open: DecimalText = strawberry.field(description="tokenOut per tokenIn after the first trade.")
    high: DecimalText = strawberry.field(description="The highest price.")
    low: DecimalText = strawberry.field(description="The lowest price.")
    close: DecimalText = strawberry.field(description="The price after the last trade.")
    volume: DecimalText = strawberry.field(description="Whole units of tokenIn traded.")

    @classmethod
    def from_model(cls, candle: candle_store.Candle, paid: tokens.Token) -> Self:
        return cls(
            opened_at=candle.opened_at,
            open=decimal(candle.open),
            high=decimal(candle.high),
            low=decimal(candle.low),
            close=decimal(candle.close),
            volume=atoms(candle.volume, paid),
        )


def require_candles(interval_seconds: int | None, last: int | None) -> tuple[int, int]:
    """Return a length in seconds and a count of candles, or raise InvalidArgument."""
    seconds = 60 if interval_seconds is None else interval_seconds
    count = 120 if last is None else last
    if seconds % CANDLE_SECONDS or not CANDLE_SECONDS <= seconds <= _MAX_CANDLE_SECONDS:
        raise InvalidArgument(
            f"`intervalSeconds` is a multiple of {CANDLE_SECONDS} up to {_MAX_CANDLE_SECONDS}."
        )
    if not 1 <= count <= _MAX_CANDLES:
        raise InvalidArgument(f"`last` is 1 to {_MAX_CANDLES}.")
    return seconds, count
