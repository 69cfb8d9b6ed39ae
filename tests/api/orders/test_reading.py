"""Orders read back over GraphQL, by either id and at their end."""

from typing import Any

import pytest

from engine.orders.status import OrderStatus
from tests.api.asking import Asking
from tests.api.orders.placing import place
from tests.factories import accepted, advanced, move, step


async def test_an_order_is_found_by_its_id_and_by_the_clients(ask: Asking) -> None:
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
async def test_an_unknown_or_malformed_id_finds_nothing(ask: Asking, id: str) -> None:
    found = await ask.data(
        "query Find($id: ID!, $name: String!) { order(id: $id) { id } "
        "orderByClientOrderId(clientOrderId: $name) { id } }",
        id=id,
        name=id,
    )

    assert found == {"order": None, "orderByClientOrderId": None}


async def test_a_confirmed_order_shows_what_was_executed(ask: Asking) -> None:
    store = ask.services.orders
    order = await advanced(store, await accepted(store), OrderStatus.ROUTING)
    steps: list[tuple[OrderStatus, dict[str, Any]]] = [
        (OrderStatus.BUILDING, {"venue": "raydium", "tx_signature": "sig"}),
        (OrderStatus.SUBMITTED, {}),
        (OrderStatus.CONFIRMED, {"amount_out": 149_622_015, "fee": 2_500_000, "slot": 7}),
    ]
    for status, given in steps:
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
