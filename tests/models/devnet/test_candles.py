"""Candles: what the pools did, told either way round."""

import dataclasses
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.tokens import SOL, USDC
from models.devnet.candles import CandleStore
from models.devnet.ledger import PostgresLedger
from models.devnet.slots import SlotRunner
from tests.models.devnet.chain import SLOT_MS, STILL, PassSlots, sell, send


async def test_candles_tell_what_the_pools_did(
    database: AsyncEngine, ledger: PostgresLedger, pass_slots: PassSlots
) -> None:
    store = CandleStore(database)
    runner = SlotRunner(database, STILL, slot_ms=SLOT_MS)
    await send(database, ledger, sell(amount=10**9), sell(amount=500 * 10**9, nonce=2))
    await pass_slots(runner, 2)

    (candle,) = await store.last(SOL, USDC, seconds=300, last=2)
    (turned,) = await store.last(USDC, SOL, seconds=300, last=2)

    assert candle.low == candle.close < candle.open == candle.high < 150
    assert candle.volume == 501 * 10**9
    assert turned.low < turned.high
    assert turned.open == 1 / candle.open
    assert turned.high == 1 / candle.low
    assert turned.volume == sum(
        status.amount_out
        for status in (
            await ledger.statuses(
                [sell(amount=10**9).signature, sell(amount=500 * 10**9, nonce=2).signature]
            )
        ).statuses.values()
    )
    assert await store.last(SOL, dataclasses.replace(USDC, mint="none"), seconds=5, last=500) == []


async def test_a_pair_listed_both_ways_round_has_one_candle_a_stretch(
    database: AsyncEngine,
) -> None:
    rows = [  # of one stretch: SOL/USDC twice, then USDC/SOL at the second one's moment and after
        (SOL, USDC, 0, ("100", "110", "90", "105"), 7, 700),
        (SOL, USDC, 5, ("105", "106", "95", "100"), 1, 100),
        (USDC, SOL, 5, ("0.01", "0.0125", "0.008", "0.0125"), 400, 4),
        (USDC, SOL, 10, ("0.0125", "0.0125", "0.01", "0.01"), 100, 1),
    ]
    insert = text("""
        INSERT INTO candles SELECT :x, :y, date_bin('1 day', now(), timestamptz 'epoch')
            + :after * interval '1 s', :open, :high, :low, :close, :volume_x, :volume_y""")
    async with database.connect() as connection:
        for x, y, after, prices, volume_x, volume_y in rows:
            names = zip(("open", "high", "low", "close"), map(Decimal, prices), strict=True)
            volumes = {"volume_x": volume_x, "volume_y": volume_y}
            tokens = {"x": x.mint, "y": y.mint, "after": after}
            await connection.execute(insert, {**tokens, **dict(names), **volumes})
    store = CandleStore(database)

    (candle,) = await store.last(SOL, USDC, seconds=86_400, last=2)
    (turned,) = await store.last(USDC, SOL, seconds=86_400, last=2)
    (_, both, _) = await store.last(SOL, USDC, seconds=5, last=17_280)

    assert [candle.open, candle.high, candle.low, candle.close] == [100, 125, 80, 100]
    assert candle.volume == 7 + 1 + 4 + 1
    assert (turned.open, turned.high, turned.low, turned.close) == (
        *(Decimal("0.01"), Decimal("0.0125"), Decimal("0.008"), Decimal("0.01")),
    )
    assert turned.volume == 700 + 100 + 400 + 100
    # Four SOL against one: the moment opens and closes where more was traded.
    assert [both.open, both.high, both.low, both.close] == [100, 125, 80, 80]
