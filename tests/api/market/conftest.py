"""A devnet that a test trades on by hand, seen through the API."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from engine.swaps.transaction import Hop, PoolShare, SwapTransaction, sign
from engine.tokens import SOL, USDC
from models.database import open_database
from models.devnet.slots import SlotRunner
from tests.api.asking import Asking
from wiring.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"quote_latency_ms": 0, "stream_poll_interval_ms": 60_000})


@pytest.fixture
def trade(settings: Settings, ask: Asking) -> Callable[..., Awaitable[None]]:
    """Sell SOL to a pool, as a slot would, and tell those who listen."""

    async def trade(pool: str, amount: int, *, tell: bool = True) -> None:
        swap = SwapTransaction(
            venue=pool.partition(":")[0],
            token_in=SOL.mint,
            amount_in=amount,
            hops=(Hop(USDC.mint, (PoolShare(pool, 1),)),),
            min_amount_out=1,
            memo="somebody",
            nonce=1,
            last_valid_slot=10**6,
        )
        await ask.services.ledger.submit(sign(swap))
        async with open_database(settings.require_database_url, pool_size=2) as database:
            async with database.connect() as connection:
                await connection.execute(
                    text("UPDATE devnet SET slot_began_at = slot_began_at - interval '4 s'")
                )
            run = await SlotRunner(database, settings.rules, slot_ms=settings.slot_ms).run()
        assert run is not None
        assert run.settled == 1
        if tell:
            await ask.services.updates.publish_pools(run.slot, run.pools)

    return trade
