"""Limit and sniper orders at the API's door, and what their streams show while they wait."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.graphql.context import Context
from api.roots.schema import schema
from engine.orders.status import OrderStatus
from models.orders.tables import Order
from tests.api.asking import Asking
from tests.factories import move, step
from wiring.settings import Settings

PATIENCE_SECONDS = 10
MINT = "NewTokenMint1111111111111111111111111111111"
LIMIT = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "2", "limitPrice": "151.20"}
SNIPER = {"tokenIn": "SOL", "tokenOut": MINT, "amount": "1"}
FIELDS = """
  replayed
  order { id clientOrderId type status amountIn minAmountOut limitPrice slippageBps expiresAt
    maxPrice minLiquidity tokenOut { mint symbol } }
  userErrors { code field retryClass }
"""
PLACE_LIMIT = (
    "mutation($input: PlaceLimitOrderInput!) { placeLimitOrder(input: $input) {" + FIELDS + "} }"
)
PLACE_SNIPER = (
    "mutation($input: PlaceSniperOrderInput!) { placeSniperOrder(input: $input) {" + FIELDS + "} }"
)
FOLLOW = """
subscription($id: ID!) {
  orderStatus(orderId: $id) { sequence status bestPrice isLive order { sequence } }
}
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"best_price_interval_ms": 20})


async def limit(ask: Asking, **given: Any) -> dict[str, Any]:
    return (await ask.data(PLACE_LIMIT, input=LIMIT | given))["placeLimitOrder"]


async def snipe(ask: Asking, **given: Any) -> dict[str, Any]:
    return (await ask.data(PLACE_SNIPER, input=SNIPER | given))["placeSniperOrder"]


def ahead(**given: Any) -> str:
    return (datetime.now(UTC) + timedelta(**given)).isoformat()


async def test_a_limit_order_is_accepted_with_its_floor_and_its_usual_life(ask: Asking) -> None:
    payload = await limit(ask, clientOrderId="mine")

    order = payload["order"]
    expires = datetime.fromisoformat(order.pop("expiresAt")) - datetime.now(UTC)
    assert timedelta(minutes=4) < expires <= timedelta(minutes=5)
    assert order.pop("id")
    assert order == {
        "clientOrderId": "mine",
        "type": "LIMIT",
        "status": "PENDING",
        "amountIn": "2",
        "minAmountOut": "302.4",
        "limitPrice": "151.2",
        "slippageBps": 0,
        "maxPrice": None,
        "minLiquidity": None,
        "tokenOut": {"mint": order["tokenOut"]["mint"], "symbol": "USDC"},
    }


async def test_a_sniper_may_wait_for_a_mint_nobody_knows(ask: Asking) -> None:
    order = (await snipe(ask, maxPrice="0.0020", minLiquidity="100"))["order"]

    assert (order["maxPrice"], order["minLiquidity"]) == ("0.002", "100")
    assert (order["type"], order["slippageBps"], order["minAmountOut"]) == ("SNIPER", 500, None)
    assert order["tokenOut"]["mint"] == MINT


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"limitPrice": "0"}, "INVALID_LIMIT_PRICE", "limitPrice"),
        ({"limitPrice": "-1"}, "INVALID_LIMIT_PRICE", "limitPrice"),
        ({"limitPrice": "1e2"}, "INVALID_LIMIT_PRICE", "limitPrice"),
        ({"limitPrice": "NaN"}, "INVALID_LIMIT_PRICE", "limitPrice"),
        ({"limitPrice": "9" * 30}, "INVALID_LIMIT_PRICE", "limitPrice"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "INVALID_EXPIRY", "expiresAt"),
        ({"expiresAt": ahead(days=366)}, "INVALID_EXPIRY", "expiresAt"),
        ({"amount": "0"}, "INVALID_AMOUNT", "amount"),
        ({"tokenOut": "SOL"}, "SAME_TOKEN", "tokenOut"),
        ({"tokenOut": MINT}, "UNKNOWN_TOKEN", "tokenOut"),
        ({"tokenOut": "ORCA", "venues": ["meteora"]}, "UNSUPPORTED_PAIR", "tokenOut"),
    ],
)
async def test_a_limit_order_that_cannot_be_is_refused(
    ask: Asking, given: dict[str, Any], code: str, field: str
) -> None:
    payload = await limit(ask, **given)

    assert payload["order"] is None
    assert payload["userErrors"] == [
        {"code": code, "field": ["input", field], "retryClass": "FATAL"}
    ]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"tokenOut": "nonsense"}, "UNKNOWN_TOKEN", "tokenOut"),
        ({"tokenOut": "SOL"}, "SAME_TOKEN", "tokenOut"),
        ({"tokenOut": "So11111111111111111111111111111111111111112"}, "SAME_TOKEN", "tokenOut"),
        ({"maxPrice": "0"}, "INVALID_LIMIT_PRICE", "maxPrice"),
        ({"minLiquidity": "0"}, "INVALID_AMOUNT", "minLiquidity"),
        ({"slippageBps": 5001}, "INVALID_SLIPPAGE", "slippageBps"),
        ({"expiresAt": ahead(days=-1)}, "INVALID_EXPIRY", "expiresAt"),
        ({"venues": ["orca"]}, "UNKNOWN_VENUE", "venues"),
    ],
)
async def test_a_sniper_order_that_cannot_be_is_refused(
    ask: Asking, given: dict[str, Any], code: str, field: str
) -> None:
    payload = await snipe(ask, **given)

    assert payload["order"] is None
    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [(code, ["input", field])]


async def test_the_same_limit_order_again_is_a_replay_and_another_a_conflict(ask: Asking) -> None:
    first = await limit(ask, clientOrderId="mine")
    same = await limit(ask, clientOrderId="mine", limitPrice="151.2000")
    other = await limit(ask, clientOrderId="mine", limitPrice="151.21")
    longer = await limit(ask, clientOrderId="mine", expiresAt=ahead(hours=1))

    assert (same["replayed"], same["order"]["id"]) == (True, first["order"]["id"])
    for payload in (other, longer):
        assert [e["code"] for e in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]


async def waiting(ask: Asking) -> Order:
    """A limit order that waits for its price."""
    from uuid import UUID

    store = ask.services.orders
    order = await store.get(UUID((await limit(ask))["order"]["id"]))
    moved = await move(store, step(order, OrderStatus.WAITING_PRICE, attempt=0))
    return moved.order


async def test_while_it_waits_the_stream_shows_the_best_price_and_says_it_is_no_event(
    ask: Asking,
) -> None:
    order = await waiting(ask)
    stream = await schema.subscribe(
        FOLLOW, {"id": str(order.id)}, Context(services=ask.services, request_id="test")
    )
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(stream) as results:
        seen = [(await anext(results)).data["orderStatus"] for _ in range(5)]
        canceled = await move(ask.services.orders, step(order, OrderStatus.CANCELED, attempt=0))
        await ask.services.updates.publish(canceled.told)
        rest = [result.data["orderStatus"] async for result in results]

    stored = [(e["sequence"], e["status"]) for e in seen + rest if not e["isLive"]]
    live = [e for e in seen + rest if e["isLive"]]
    assert stored == [(1, "PENDING"), (2, "WAITING_PRICE"), (3, "CANCELED")]
    assert len(live) >= 3
    assert {(e["sequence"], e["status"], e["order"]["sequence"]) for e in live[:3]} == {
        (2, "WAITING_PRICE", 2)
    }
    # What two SOL get, fees and impact included.
    assert {e["bestPrice"] for e in live} == {"149.710532"}


async def test_other_orders_streams_show_nothing_between_events(ask: Asking) -> None:
    payload = await ask.data(
        'mutation { executeMarketOrder(input: {tokenIn: "SOL", tokenOut: "USDC", amount: "1"}) '
        "{ order { id } } }"
    )
    id = payload["executeMarketOrder"]["order"]["id"]
    stream = await schema.subscribe(
        FOLLOW, {"id": id}, Context(services=ask.services, request_id="test")
    )
    async with aclosing(stream) as results:
        assert (await anext(results)).data["orderStatus"]["status"] == "PENDING"
        following = asyncio.ensure_future(anext(results))
        done, _ = await asyncio.wait({following}, timeout=0.3)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    assert not done
