"""Orders on the devnet, placed and seen through the public API; slots pass when a test says so."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.witness import CIRCULATING
from tests.models.devnet.chain import start_again
from tests.tasks.devnet import Devnet, life


async def test_a_divided_order_is_one_transaction_and_shows_what_each_pool_gave(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        done = await net.end(await net.send("500"))

        async with net.resources.database.connect() as connection:
            rows = await connection.scalar(text("SELECT count(*) FROM ledger_transactions"))
    assert rows == 1
    assert {leg["venue"]["id"] for leg in done["route"]} == {"raydium", "meteora"}
    assert sum(leg["shareBps"] for leg in done["route"]) == 10_000
    assert done["events"][-1]["status"] == "CONFIRMED"
    assert len(done["events"][-1]["route"]) == 2


async def test_two_legs_over_a_hub_land_as_one(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        done = await net.end(await net.send("100", tokenIn="ORCA", tokenOut="JUP"))

    first, *_, last = done["route"]
    assert done["status"] == "CONFIRMED"
    assert first["pool"] == "raydium:ORCA-USDC"
    assert last["pool"].endswith("JUP-USDC")


async def test_a_swap_that_drops_below_its_floor_is_requoted_and_never_filled_below_it(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        whale = await net.send("5000", venues=["raydium"])
        small = await net.send("1", venues=["raydium"], slippageBps=10)
        await net.slots(10)  # the whale's came first, so the small one finds a worse pool

        assert (await net.show(whale))["status"] == "CONFIRMED"
        done = await net.end(small)

    assert life(done)[3:] == [
        ("SUBMITTED", 1, None),
        ("ROUTING", 2, "SLIPPAGE_EXCEEDED"),
        ("ROUTING", 3, "SLIPPAGE_EXCEEDED"),
        ("FAILED", 3, "SLIPPAGE_EXCEEDED"),
    ]


async def test_a_swap_that_would_return_nothing_reverts(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        # 7 lamports are worth one micro-USDC, until somebody sells a lot before them.
        await net.send("5000", venues=["raydium"])
        dust = await net.send("0.000000008", venues=["raydium"])
        await net.slots(10)

        assert life(await net.show(dust))[-1] == ("FAILED", 1, "ZERO_OUTPUT")


async def test_a_swap_that_finds_the_bins_empty_reverts(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        await net.send("600", venues=["meteora"], slippageBps=5000)
        late = await net.send("600", venues=["meteora"], slippageBps=5000)
        await net.slots(10)

        assert life(await net.show(late))[-1] == ("FAILED", 1, "INSUFFICIENT_LIQUIDITY")


async def test_a_transaction_that_lands_after_its_validity_expires_and_is_built_anew(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet(validity_slots=1, landing_slots_max=5) as net:
        ended = [await net.end(await net.send(amount)) for amount in ("1", "2", "3", "4")]

    # Landing takes 1 to 5 slots here and the validity is one: most come too late at first.
    expired = [shown for shown in ended if "TRANSACTION_EXPIRED" in [c for *_, c in life(shown)]]
    assert expired
    for shown in expired:
        (again, *_) = (step for step in life(shown) if step[2])
        assert again == ("ROUTING", 2, "TRANSACTION_EXPIRED")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("quoteFailures", "VENUE_UNAVAILABLE"),
        ("quoteTimeouts", "VENUE_TIMEOUT"),
        ("droppedTransactions", "TRANSACTION_DROPPED"),
        ("slippageFailures", "SLIPPAGE_EXCEEDED"),
    ],
)
async def test_two_faults_cost_two_attempts_and_three_end_the_order(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]], fault: str, code: str
) -> None:
    # Generous but where waiting for it is the test.
    timeout_ms = 300 if fault == "quoteTimeouts" else 10_000
    async with devnet(quote_timeout_ms=timeout_ms) as net:
        cured = await net.end(await net.send("1", simulate={fault: 2}))
        ended = await net.end(await net.send("1", simulate={fault: 3}))

    reasons = [step for step in life(cured) if step[2]]
    assert reasons == [("ROUTING", 2, code), ("ROUTING", 3, code)]
    assert cured["status"] == "CONFIRMED"
    assert life(ended)[-1] == ("FAILED", 3, code)
    assert ended["failure"]["code"] == code


async def test_faults_of_different_kinds_come_one_after_the_other(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    async with devnet() as net:
        done = await net.end(
            await net.send("1", simulate={"quoteFailures": 1, "droppedTransactions": 1})
        )

    assert [step for step in life(done) if step[2]] == [
        ("ROUTING", 2, "VENUE_UNAVAILABLE"),
        ("ROUTING", 3, "TRANSACTION_DROPPED"),
    ]
    assert done["status"] == "CONFIRMED"


async def test_the_same_seed_and_the_same_commands_give_the_same_fills(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]], database: AsyncEngine
) -> None:
    hashes = []
    for _ in range(2):
        hashes.append(await _fills(devnet))
        await _forget_everything(database)

    assert hashes[0] == hashes[1]


async def _fills(devnet: Callable[..., AbstractAsyncContextManager[Devnet]]) -> str:
    """Place twelve orders over thirty moving slots and return a hash of all fills and pools."""
    async with devnet(market_moves=True, landing_slots_max=3) as net:
        ids = []
        for n in range(12):
            pair = (("SOL", "USDC"), ("USDC", "JUP"), ("ORCA", "JUP"))[n % 3]
            ids.append(await net.send(str(1 + 7 * n), tokenIn=pair[0], tokenOut=pair[1]))
            await net.slots(1 + n % 4)
        fills = [await net.end(id) for id in ids]
        pools = (await net.resources.ledger.book()).pools
    for fill in fills:
        fill["events"] = life(fill)
    return hashlib.sha256(
        json.dumps([fills, repr(sorted(pools.items()))], sort_keys=True).encode()
    ).hexdigest()


async def _forget_everything(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        for table in ("order_events", "orders"):
            await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            await connection.execute(text(f"DELETE FROM {table}"))
    await start_again(database)


async def test_what_orders_and_the_market_do_keeps_every_token(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]], database: AsyncEngine
) -> None:
    async def circulating() -> list[tuple[str, int]]:
        async with database.connect() as connection:
            return [(row.mint, int(row.atoms)) for row in await connection.execute(CIRCULATING)]

    total = await circulating()
    async with devnet(market_moves=True) as net:
        for n in range(10):
            await net.send(str(10 + n), tokenIn="USDC", tokenOut=("SOL", "BONK", "JUP")[n % 3])
            await net.slots(2)

    assert await circulating() == total


async def test_each_venue_wins_some_of_the_orders(
    devnet: Callable[..., AbstractAsyncContextManager[Devnet]],
) -> None:
    won: Counter[str] = Counter()
    async with devnet(market_moves=True) as net:
        for n in range(30):
            await net.slots(4)
            payload = await net.ask.data(
                "query($input: QuoteInput!) { quote(input: $input) "
                "{ quote { route { venue { id } } } } }",
                input={
                    "tokenIn": ("SOL", "USDC")[n % 2],
                    "tokenOut": ("USDC", "SOL")[n % 2],
                    "amount": ("1", "150", "30", "4500")[n % 4],
                    "allowSplit": False,
                },
            )
            (leg,) = payload["quote"]["quote"]["route"]
            won[leg["venue"]["id"]] += 1

    assert set(won) == {"raydium", "meteora"}
