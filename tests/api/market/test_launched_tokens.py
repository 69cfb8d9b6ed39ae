"""Tokens launched while the devnet runs: known to every process, and each name once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from engine.tokens import base58
from tests.api.asking import Asking, asking
from tests.tasks.launching import LAUNCH, MINT, launch_input
from wiring.settings import Settings

OTHER = base58(b"\2" * 32)


async def launch(ask: Asking, **given: Any) -> list[str]:
    payload = (await ask.data(LAUNCH, input=launch_input(**given)))["launchPool"]
    return [error["code"] for error in payload["userErrors"]]


async def test_a_process_that_never_saw_the_launch_knows_the_token(settings: Settings) -> None:
    async with asking(settings) as one, asking(settings) as other:
        await other.data("{ pools { id } }")  # it has looked before
        assert await launch(one) == []

        for name in ("NEW", MINT):
            pools = await other.data("query($t: ID) { pools(tokenX: $t) { id } }", t=name)
            assert pools == {"pools": [{"id": "raydium:NEW-SOL"}]}
    async with asking(settings) as restarted:
        assert await restarted.data('{ candles(tokenIn: "NEW", tokenOut: "SOL") { close } }') == {
            "candles": []
        }
        assert await restarted.data('{ orders(filter: {tokenOut: "NEW"}) { nodes { id } } }') == {
            "orders": {"nodes": []}
        }


async def test_a_sniper_order_is_found_by_its_mint_before_the_launch(settings: Settings) -> None:
    snipe = """
    mutation($mint: ID!) { placeSniperOrder(input: {tokenIn: "SOL", tokenOut: $mint, amount: "1"}) {
      order { id tokenOut { mint symbol } } } }
    """
    find = "query($mint: ID) { orders(filter: {tokenOut: $mint}) { nodes { id } } }"
    async with asking(settings) as ask:
        placed = (await ask.data(snipe, mint=OTHER))["placeSniperOrder"]["order"]

        found = await ask.data(find, mint=OTHER)

    assert found == {"orders": {"nodes": [{"id": placed["id"]}]}}
    assert placed["tokenOut"] == {"mint": OTHER, "symbol": f"{OTHER[:4]}…{OTHER[-4:]}"}


@pytest.mark.parametrize(
    "other",
    [
        {"venue": "meteora", "decimals": 9},  # one mint with two decimals
        {"venue": "meteora", "mint": OTHER},  # one symbol of two mints
    ],
    ids=["a mint", "a symbol"],
)
async def test_of_two_launches_at_once_that_share_a_name_one_has_it(
    settings: Settings, other: dict[str, Any]
) -> None:
    async with asking(settings) as one, asking(settings) as two:
        await asyncio.gather(one.data("{ tokens { mint } }"), two.data("{ tokens { mint } }"))

        said = await asyncio.gather(launch(one), launch(two, **other))
        listed = await one.data("{ tokens { mint symbol decimals } }")
        async with one.services.database.connect() as connection:
            pools = await connection.scalar(
                text("SELECT count(*) FROM pools WHERE launched_token IS NOT NULL")
            )

    assert sorted(said) == [[], ["UNKNOWN_TOKEN"]]
    assert pools == 1
    assert [t["symbol"] for t in listed["tokens"]].count("NEW") == 1


async def test_one_pool_too_many_is_refused_for_now(settings: Settings) -> None:
    async with asking(settings.model_copy(update={"max_pools": 36})) as ask:
        opened = len((await ask.data("{ pools { id } }"))["pools"])
        for n in range(36 - opened):
            assert await launch(ask, mint=base58(bytes([n + 3] * 32)), symbol=f"T{n}") == []

        assert await launch(ask) == ["OVERLOADED"]
        assert len((await ask.data("{ pools { id } }"))["pools"]) == 36


async def test_pools_and_tokens_come_in_stretches(settings: Settings) -> None:
    query = """
    query($n: Int, $p: ID, $t: ID) {
      pools(first: $n, after: $p) { id } tokens(first: $n, after: $t) { id }
    }
    """
    async with asking(settings) as ask:
        whole = await ask.data("{ pools { id } tokens { id } }")
        pools, tokens = [p["id"] for p in whole["pools"]], [t["id"] for t in whole["tokens"]]

        first = await ask.data(query, n=10)
        second = await ask.data(query, n=10, p=pools[9], t=tokens[9])

        assert [p["id"] for p in first["pools"] + second["pools"]] == pools[:20]
        assert [t["id"] for t in first["tokens"] + second["tokens"]] == tokens[:20]
        for wrong in ({"n": -1}, {"n": 501}, {"p": "nobody"}):
            answer = await ask(query, **wrong)
            assert {e["extensions"]["code"] for e in answer["errors"]} == {"INVALID_ARGUMENT"}
