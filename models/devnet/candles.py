"""Candles of the pools' trades: made by each slot, read in any length that is a multiple."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.amounts import price
from engine.devnet.chain import Trade
from engine.pools.swap import Direction
from engine.tokens import Token
from models.devnet.pool_tables import CANDLE_SECONDS

# A pair may be listed either way round, even both at once: rows listed the other way round than
# asked are turned over, then all of a stretch are one candle. Where both ways have a row of the
# same moment, which traded first in it is not known: the one that traded more opens and closes.
# More is measured in one token whichever way the pair is asked for, so both answers agree.
_READ = text("""
WITH turned AS (
    SELECT opened_at, open, high, low, close, volume_x AS volume,
        CASE WHEN token_x < token_y THEN volume_x ELSE volume_y END AS weight
    FROM candles WHERE token_x = :token_in AND token_y = :token_out
    UNION ALL
    SELECT opened_at, one / open, one / low, one / high, one / close, volume_y,
        CASE WHEN token_x < token_y THEN volume_x ELSE volume_y END
    FROM candles, CAST(1 AS numeric(61, 60)) AS one
    WHERE token_x = :token_out AND token_y = :token_in
)
SELECT date_bin(:seconds * interval '1 s', opened_at, timestamptz 'epoch') AS opened_at,
    (array_agg(open ORDER BY opened_at, weight DESC))[1] AS open,
    max(high) AS high, min(low) AS low,
    (array_agg(close ORDER BY opened_at DESC, weight DESC))[1] AS close, sum(volume) AS volume
FROM turned
WHERE opened_at >= date_bin(:seconds * interval '1 s', now(), timestamptz 'epoch')
    - (:last - 1) * :seconds * interval '1 s'
GROUP BY 1 ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices in tokenOut per tokenIn, whole units; `volume` in atoms of tokenIn."""

    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


class CandleStore:
    """Reads candles."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def last(
        self, token_in: Token, token_out: Token, *, seconds: int, last: int
    ) -> list[Candle]:
        """Return the candles of the last `last` stretches of `seconds`, oldest first.

        One for each stretch with a trade, whichever way round the pair is listed, so that their
        times ascend strictly. `seconds` is a multiple of CANDLE_SECONDS.
        """
        parameters = {
            "token_in": token_in.mint,
            "token_out": token_out.mint,
            "seconds": seconds,
            "last": last,
        }
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_READ, parameters)).all()
        return [_candle(row) for row in rows]


def to_items(trades: Iterable[Trade], time_of: Callable[[int], datetime]) -> list[dict[str, Any]]:
    """Return what the statement that writes candles takes for these trades, in their order.

    A trade's price is the one its pool is left with, fees aside: a trade of dust says nothing.
    """
    items: dict[tuple[str, str, datetime], dict[str, Any]] = {}
    for trade in trades:
        pool, result = trade.fill.after, trade.fill.result
        opened_at = _floor(time_of(trade.slot))
        spot = pool.spot(Direction.SELL_X)
        at = price(spot.denominator, pool.token_x, spot.numerator, pool.token_y)
        key = (pool.token_x.mint, pool.token_y.mint, opened_at)
        item = items.setdefault(
            key,
            {
                "token_x": key[0],
                "token_y": key[1],
                "opened_at": opened_at.isoformat(),
                **{"open": at, "high": at, "low": at, "close": at},
                **{"volume_x": 0, "volume_y": 0},
            },
        )
        sells_x = trade.fill.direction is Direction.SELL_X
        item["high"], item["low"], item["close"] = max(item["high"], at), min(item["low"], at), at
        item["volume_x"] += result.amount_in if sells_x else result.amount_out
        item["volume_y"] += result.amount_out if sells_x else result.amount_in
    return [
        {name: str(value) if isinstance(value, Decimal) else value for name, value in item.items()}
        for item in items.values()
    ]


def _floor(instant: datetime) -> datetime:
    return instant - timedelta(
        seconds=instant.second % CANDLE_SECONDS, microseconds=instant.microsecond
    )


def _candle(row: Any) -> Candle:
    # Turned over, a price has more digits than anybody needs; plus rounds to 28.
    prices = (+row.open, +row.high, +row.low, +row.close)
    return Candle(row.opened_at, *prices, int(row.volume))
