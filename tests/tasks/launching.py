"""Pools launched through the API, for the token nobody knew before."""

from typing import Any

from tests.tasks.devnet import Devnet

MINT = "NewTokenMint1111111111111111111111111111111"
LAUNCH = """
mutation Launch($input: LaunchPoolInput!) {
  launchPool(input: $input) { pool { id spotPrice } userErrors { code field message } }
}
"""


def launch_input(**given: Any) -> dict[str, Any]:
    return {
        "venue": "raydium",
        "mint": MINT,
        "symbol": "NEW",
        "decimals": 6,
        "quoteToken": "SOL",
        "reserve": "1000000",
        "quoteReserve": "1000",
    } | given


async def launch(net: Devnet, **given: Any) -> dict[str, Any]:
    payload = (await net.ask.data(LAUNCH, input=launch_input(**given)))["launchPool"]
    assert payload["userErrors"] == []
    return payload["pool"]
