"""Many orders in one mutation: each comes to what it would have come to alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.orders.status import OrderStatus
from tests.api.asking import Asking, asking
from tests.factories import accepted, advanced
from wiring.settings import Settings

PLACE = """
mutation($inputs: [ExecuteMarketOrderInput!]!) {
  executeMarketOrders(inputs: $inputs) {
    order { id status clientOrderId } replayed userErrors { code field }
  }
}
"""
CANCEL = """
mutation($ids: [ID!], $filter: OrderFilter) {
  cancelOrders(ids: $ids, filter: $filter) { order { id status } userErrors { code } }
}
"""
SWAP = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"}


@pytest.fixture
async def ask(settings: Settings) -> AsyncIterator[Asking]:
    async with asking(settings) as ask:
        yield ask


async def place(ask: Asking, *inputs: dict[str, Any]) -> list[dict[str, Any]]:
    payloads: list[dict[str, Any]] = (await ask.data(PLACE, inputs=list(inputs)))[
        "executeMarketOrders"
    ]
    return payloads


async def cancel(ask: Asking, **given: Any) -> list[dict[str, Any]]:
    payloads: list[dict[str, Any]] = (await ask.data(CANCEL, **given))["cancelOrders"]
    return payloads


async def test_a_hundred_orders_are_accepted_in_the_order_of_the_inputs(ask: Asking) -> None:
    payloads = await place(ask, *({**SWAP, "clientOrderId": f"n{n}"} for n in range(100)))

    assert [p["order"]["clientOrderId"] for p in payloads] == [f"n{n}" for n in range(100)]
    assert {p["order"]["status"] for p in payloads} == {"PENDING"}
    assert await ask.services.orders.in_progress() == 100


async def test_each_has_its_own_refusal_with_its_place_and_its_own_idempotency(ask: Asking) -> None:
    mine = {**SWAP, "clientOrderId": "mine"}
    [first] = await place(ask, mine)

    bad, again, other, new, twice = await place(
        ask, {**SWAP, "amount": "-1"}, mine, {**mine, "amount": "2"}, SWAP, mine
    )

    assert bad["order"] is None
    assert bad["userErrors"] == [{"code": "INVALID_AMOUNT", "field": ["inputs", "0", "amount"]}]
    for payload in (again, twice):
        assert (payload["order"]["id"], payload["replayed"]) == (first["order"]["id"], True)
    assert other["userErrors"] == [
        {"code": "IDEMPOTENCY_CONFLICT", "field": ["inputs", "2", "clientOrderId"]}
    ]
    assert (new["order"]["status"], new["replayed"]) == ("PENDING", False)
    assert await ask.services.orders.in_progress() == 2


@pytest.mark.parametrize("count", [0, 101])
async def test_none_and_too_many_are_refused_and_store_nothing(ask: Asking, count: int) -> None:
    answer = await ask(PLACE, inputs=[SWAP] * count)

    assert [e["extensions"]["code"] for e in answer["errors"]] == ["INVALID_ARGUMENT"]
    assert await ask.services.orders.in_progress() == 0


async def test_orders_are_canceled_by_their_ids_each_with_its_own_answer(ask: Asking) -> None:
    store = ask.services.orders
    pending = await accepted(store)
    sent = await advanced(
        store,
        await accepted(store),
        OrderStatus.ROUTING,
        OrderStatus.BUILDING,
        OrderStatus.SUBMITTED,
    )

    canceled, too_late, unknown = await cancel(ask, ids=[str(pending.id), str(sent.id), "nobody"])

    assert canceled == {"order": {"id": str(pending.id), "status": "CANCELED"}, "userErrors": []}
    assert too_late["userErrors"] == [{"code": "ORDER_NOT_CANCELABLE"}]
    assert too_late["order"]["status"] == "SUBMITTED"
    assert unknown == {"order": None, "userErrors": [{"code": "ORDER_NOT_FOUND"}]}


async def test_orders_are_canceled_by_a_filter_where_nothing_was_sent(ask: Asking) -> None:
    store = ask.services.orders
    waiting = [
        await advanced(store, await accepted(store), OrderStatus.WAITING_PRICE) for _ in range(3)
    ]
    ended = await advanced(store, await accepted(store), OrderStatus.FAILED)
    other = await accepted(store)

    payloads = await cancel(ask, filter={"status": ["WAITING_PRICE", "FAILED"]})

    assert [p["order"]["id"] for p in payloads] == [str(o.id) for o in reversed(waiting)]
    assert {p["order"]["status"] for p in payloads} == {"CANCELED"}
    for order, status in ((ended, OrderStatus.FAILED), (other, OrderStatus.PENDING)):
        left = await store.get(order.id)
        assert left is not None
        assert left.status is status


@pytest.mark.parametrize("given", [{}, {"ids": []}, {"ids": ["a"], "filter": {}}])
async def test_ids_or_a_filter_is_to_be_given_and_not_both(
    ask: Asking, given: dict[str, Any]
) -> None:
    answer = await ask(CANCEL, **given)

    assert [e["extensions"]["code"] for e in answer["errors"]] == ["INVALID_ARGUMENT"]
