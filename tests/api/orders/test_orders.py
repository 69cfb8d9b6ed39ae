"""Orders over GraphQL: accepted, refused, replayed, read back."""

import asyncio

import pytest
from sqlalchemy import text

from engine.orders.status import OrderStatus
from tasks.broker import ORDERS, broker
from tests.factories import accepted, advanced, move, step

PLACE = """
mutation Place($input: ExecuteMarketOrderInput!) {
  executeMarketOrder(input: $input) {
    replayed
    order {
      id clientOrderId type status isTerminal amountIn slippageBps minAmountOut attempts sequence
      tokenIn { symbol mint decimals } tokenOut { symbol } events { sequence status attempt }
    }
    userErrors { code message field retryClass retryAfterMs }
  }
}
"""
ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1.5"}


async def place(ask, **given):
    return (await ask.data(PLACE, input=ORDER | given))["executeMarketOrder"]


async def stored(ask) -> int:
    async with ask.services.orders._engine.connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM orders"))


async def enqueued(ask) -> int:
    async with asyncio.timeout(10):
        while ask.services.sender.unsent:
            await asyncio.sleep(0.005)
    return broker.do_qsize(ORDERS)


async def test_an_order_is_accepted_durably_and_handed_to_the_workers(ask):
    before = await enqueued(ask)

    payload = await place(ask, clientOrderId="mine", minAmountOut="200")

    order = payload["order"]
    assert payload["userErrors"] == []
    assert payload["replayed"] is False
    assert order | {"id": "", "tokenIn": {}} == {
        "id": "",
        "clientOrderId": "mine",
        "type": "MARKET",
        "status": "PENDING",
        "isTerminal": False,
        "amountIn": "1.5",
        "slippageBps": 50,
        "minAmountOut": "200",
        "attempts": 0,
        "sequence": 1,
        "tokenIn": {},
        "tokenOut": {"symbol": "USDC"},
        "events": [{"sequence": 1, "status": "PENDING", "attempt": 0}],
    }
    assert await stored(ask) == 1
    assert await enqueued(ask) == before + 1


async def test_tokens_go_by_mint_as_well_as_by_symbol(ask):
    mint = "So11111111111111111111111111111111111111112"

    payload = await place(ask, tokenIn=mint)

    assert payload["order"]["tokenIn"] == {"symbol": "SOL", "mint": mint, "decimals": 9}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"amount": ""}, "INVALID_AMOUNT", "amount"),
        ({"amount": "-1"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "0"}, "INVALID_AMOUNT", "amount"),
        ({"amount": 0}, "INVALID_AMOUNT", "amount"),
        ({"amount": "one"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "1e3"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "NaN"}, "INVALID_AMOUNT", "amount"),
        ({"amount": " 1"}, "INVALID_AMOUNT", "amount"),
        ({"amount": "1.0000000001"}, "AMOUNT_PRECISION_EXCEEDED", "amount"),
        ({"amount": "18446744073.709551616"}, "AMOUNT_OUT_OF_RANGE", "amount"),
        ({"minAmountOut": "0.0000001"}, "AMOUNT_PRECISION_EXCEEDED", "minAmountOut"),
        ({"minAmountOut": "0"}, "INVALID_AMOUNT", "minAmountOut"),
        ({"tokenIn": "DOGE"}, "UNKNOWN_TOKEN", "tokenIn"),
        ({"tokenOut": "sol"}, "UNKNOWN_TOKEN", "tokenOut"),
        ({"tokenOut": "SOL"}, "SAME_TOKEN", "tokenOut"),
        ({"tokenOut": "ORCA", "venues": ["meteora"]}, "UNSUPPORTED_PAIR", "tokenOut"),
        ({"slippageBps": -1}, "INVALID_SLIPPAGE", "slippageBps"),
        ({"slippageBps": 5001}, "INVALID_SLIPPAGE", "slippageBps"),
        ({"maxPriceImpactBps": 10001}, "PRICE_IMPACT_TOO_HIGH", "maxPriceImpactBps"),
        ({"venues": ["orca"]}, "UNKNOWN_VENUE", "venues"),
        ({"clientOrderId": ""}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
        ({"clientOrderId": "a b"}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
        ({"clientOrderId": "x" * 65}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
        ({"clientOrderId": "é"}, "INVALID_CLIENT_ORDER_ID", "clientOrderId"),
    ],
)
async def test_a_refused_order_is_told_why_and_leaves_no_trace(ask, given, code, field):
    before = await enqueued(ask)

    payload = await place(ask, **given)

    (error,) = payload["userErrors"]
    assert payload["order"] is None
    assert (error["code"], error["field"]) == (code, ["input", field])
    assert (error["retryClass"], error["retryAfterMs"]) == ("FATAL", None)
    assert await stored(ask) == 0
    assert await enqueued(ask) == before


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        ("quoteFailures", 11),
        ("quoteTimeouts", -1),
        ("droppedTransactions", 11),
        ("slippageFailures", 11),
        ("extraLatencyMs", 60_001),
    ],
)
async def test_a_fault_out_of_range_is_refused_at_its_field(ask, fault, count):
    payload = await place(ask, simulate={fault: count})

    (error,) = payload["userErrors"]
    assert error["code"] == "AMOUNT_OUT_OF_RANGE"
    assert error["field"] == ["input", "simulate", fault]
    assert await stored(ask) == 0


async def test_no_faults_asked_for_is_the_same_as_nothing_said_of_them(ask):
    first = await place(ask, clientOrderId="mine", simulate={"quoteFailures": 0})

    again = await place(ask, clientOrderId="mine", simulate=None)

    assert (again["replayed"], again["order"]["id"]) == (True, first["order"]["id"])


async def test_a_refused_request_does_not_use_up_its_id(ask):
    await place(ask, clientOrderId="mine", amount="0")

    payload = await place(ask, clientOrderId="mine")

    assert payload["order"]["clientOrderId"] == "mine"


@pytest.mark.parametrize("amount", [1.5, True, {"value": "1"}, ["1"]])
async def test_an_amount_that_is_no_text_never_becomes_a_float(ask, amount):
    answer = await ask(PLACE, input=ORDER | {"amount": amount})

    assert "A Decimal is a string" in answer["errors"][0]["message"]
    assert await stored(ask) == 0


async def test_the_same_request_again_returns_the_same_order_and_does_nothing(ask):
    first = await place(ask, clientOrderId="mine")
    before = await enqueued(ask)

    again = await place(ask, clientOrderId="mine", amount="1.500", slippageBps=None)

    assert again["replayed"] is True
    assert again["order"]["id"] == first["order"]["id"]
    assert again["userErrors"] == []
    assert await enqueued(ask) == before
    assert await stored(ask) == 1


async def test_fifty_doubles_at_once_place_one_order(ask):
    before = await enqueued(ask)

    payloads = await asyncio.gather(*(place(ask, clientOrderId="mine") for _ in range(50)))

    assert len({payload["order"]["id"] for payload in payloads}) == 1
    assert sum(not payload["replayed"] for payload in payloads) == 1
    assert await enqueued(ask) == before + 1


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "2"},
        {"slippageBps": 51},
        {"minAmountOut": "1"},
        {"venues": ["raydium"]},
        {"tokenOut": "USDT"},
        {"maxPriceImpactBps": 100},
        {"allowSplit": False},
        {"simulate": {"quoteFailures": 1}},
    ],
)
async def test_an_id_used_for_another_order_is_a_conflict_that_shows_it(ask, other):
    first = await place(ask, clientOrderId="mine")

    payload = await place(ask, clientOrderId="mine", **other)

    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("IDEMPOTENCY_CONFLICT", ["input", "clientOrderId"])
    assert payload["order"]["id"] == first["order"]["id"]
    assert payload["replayed"] is False
    assert await stored(ask) == 1


async def test_too_many_orders_in_progress_are_refused_for_now(ask):
    ask.services.capacity.in_progress = ask.services.settings.max_orders_in_progress

    payload = await place(ask)

    (error,) = payload["userErrors"]
    assert (error["code"], error["retryClass"]) == ("OVERLOADED", "RETRY")
    assert error["retryAfterMs"] > 0
    assert await stored(ask) == 0


async def test_an_order_is_found_by_its_id_and_by_the_clients(ask):
    placed = (await place(ask, clientOrderId="mine"))["order"]

    found = await ask.data(
        "query Find($id: ID!) { order(id: $id) { clientOrderId } "
        'orderByClientOrderId(clientOrderId: "mine") { id } }',
        id=placed["id"],
    )

    assert found == {
        "order": {"clientOrderId": "mine"},
        "orderByClientOrderId": {"id": placed["id"]},
    }


@pytest.mark.parametrize("id", ["", "1", "not-an-id", "01a1f8d4-2d3f-73b1-8b3a-390ea7b84b77"])
async def test_an_unknown_or_malformed_id_finds_nothing(ask, id):
    found = await ask.data(
        "query Find($id: ID!, $name: String!) { order(id: $id) { id } "
        "orderByClientOrderId(clientOrderId: $name) { id } }",
        id=id,
        name=id,
    )

    assert found == {"order": None, "orderByClientOrderId": None}


async def test_a_confirmed_order_shows_what_was_executed(ask):
    store = ask.services.orders
    order = await advanced(store, await accepted(store), OrderStatus.ROUTING)
    for status, given in [
        (OrderStatus.BUILDING, {"venue": "raydium", "tx_signature": "sig"}),
        (OrderStatus.SUBMITTED, {}),
        (OrderStatus.CONFIRMED, {"amount_out": 149_622_015, "fee": 2_500_000, "slot": 7}),
    ]:
        moved = await move(store, step(order, status, **given))
        assert moved is not None
        order = moved.order

    found = await ask.data(
        "query Find($id: ID!) { order(id: $id) { status isTerminal amountOut fee slot txSignature "
        "venue { id name simulated healthy } failure { code } completedAt events { sequence } } }",
        id=str(order.id),
    )

    shown = found["order"]
    assert shown.pop("completedAt").endswith("Z")
    assert shown == {
        "status": "CONFIRMED",
        "isTerminal": True,
        "amountOut": "149.622015",
        "fee": "0.0025",
        "slot": 7,
        "txSignature": "sig",
        "venue": {"id": "raydium", "name": "Raydium", "simulated": True, "healthy": True},
        "failure": None,
        "events": [{"sequence": n} for n in range(1, 6)],
    }


async def test_a_quote_compares_every_venue(ask):
    payload = await ask.data(
        "query Quote($input: QuoteInput!) { quote(input: $input) { userErrors { code } quote { "
        "amountIn amountOut minAmountOut price priceImpactBps quotedAt "
        "route { venue { id } pool amountIn amountOut fee shareBps } "
        "compared { venue { id } amountOut price priceImpactBps fee latencyMs "
        "failure { code } } } } }",
        input=ORDER | {"amount": "1", "slippageBps": 100},
    )

    quote = payload["quote"]["quote"]
    assert (quote["amountOut"], quote["minAmountOut"]) == ("149.710532", "148.213426")
    assert quote["route"] == [
        {
            "venue": {"id": "meteora"},
            "pool": "meteora:SOL-USDC",
            "amountIn": "1",
            "amountOut": "149.710532",
            "fee": "0.001",
            "shareBps": 10000,
        }
    ]
    assert [q["venue"]["id"] for q in quote["compared"]] == ["meteora", "raydium"]
    assert quote["compared"][1]["amountOut"] == "149.622015"


async def test_an_order_that_may_not_be_divided_goes_where_the_pool_is_deep(ask):
    payload = await ask.data(
        "query Quote($input: QuoteInput!) { quote(input: $input) { quote { "
        "route { venue { id } } } } }",
        input=ORDER | {"amount": "5000", "allowSplit": False},
    )

    assert payload["quote"]["quote"]["route"] == [{"venue": {"id": "raydium"}}]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"amount": "0"}, "INVALID_AMOUNT"),
        ({"amount": "0.000000001"}, "ZERO_OUTPUT"),
        ({"tokenOut": "X"}, "UNKNOWN_TOKEN"),
        ({"slippageBps": 9999}, "INVALID_SLIPPAGE"),
        ({"venues": ["orca"]}, "UNKNOWN_VENUE"),
    ],
)
async def test_what_cannot_be_quoted_is_told_why(ask, given, code):
    payload = await ask.data(
        "query Quote($input: QuoteInput!) { quote(input: $input) { quote { price } "
        "userErrors { code } } }",
        input=ORDER | given,
    )

    assert payload["quote"] == {"quote": None, "userErrors": [{"code": code}]}


async def test_tokens_and_venues_are_listed(ask):
    listed = await ask.data("{ tokens { symbol decimals } venues { id healthy } }")

    assert {token["symbol"] for token in listed["tokens"]} >= {"SOL", "USDC", "USDT", "BONK"}
    assert listed["venues"] == [
        {"id": "meteora", "healthy": True},
        {"id": "raydium", "healthy": True},
    ]
