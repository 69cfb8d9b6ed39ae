"""Leases: who may work on an order, who lost it, and what the sweep finds."""

import pytest

from engine.orders.status import OrderStatus
from models.orders import sent
from models.orders.store import OrderStore
from tests.factories import LEASE_MS, accept, accepted, advanced, move, new_order, step

S = OrderStatus


async def test_a_lease_is_held_by_one_message_and_again_by_the_same(store: OrderStore) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING)

    mine = await store.claim(order, holder="mine", lease_ms=LEASE_MS)
    yours = await store.claim(order, holder="yours", lease_ms=LEASE_MS)
    mine_again = await store.claim(order, holder="mine", lease_ms=LEASE_MS)

    assert (mine is not None, yours, mine_again is not None) == (True, None, True)


async def test_an_overdue_step_is_not_even_its_holders(store: OrderStore) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING)
    assert await store.claim(order, holder="mine", lease_ms=0) is not None

    assert await store.claim(order, holder="mine", lease_ms=LEASE_MS) is None


async def test_sending_again_is_for_one_at_a_time_and_not_for_ever(store: OrderStore) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING, S.BUILDING)
    moved = await move(store, step(order, S.SUBMITTED, lease_ms=0, lease_holder="sender"))
    assert moved is not None
    order = moved.order
    claim = {"lease_ms": 0, "most_lost": 3}

    both = [await store.claim_resend(order, holder="a", lease_ms=LEASE_MS, most_lost=3)]
    both += [await store.claim_resend(order, holder="b", **claim)]
    assert [claimed is not None for claimed in both] == [True, False]
    await store.sender_lived(order, holder="a", lease_ms=0)  # an orderly failure costs nothing
    lost = [await store.claim_resend(order, holder="c", **claim) for _ in range(5)]

    assert [claimed is not None for claimed in lost] == [True, True, True, False, False]


async def test_only_overdue_orders_in_progress_are_swept(store: OrderStore) -> None:
    fresh = await accepted(store)
    late, _ = await accept(store, new_order(), lease_ms=0)
    moved = await move(store, step((await accepted(store)), S.ROUTING, lease_ms=0))
    assert moved is not None
    sent = await advanced(store, await accepted(store), S.ROUTING, S.BUILDING, S.SUBMITTED)

    overdue = {order.id for order in await store.overdue(most=10)}

    assert overdue == {late.id, moved.order.id}
    assert not overdue & {fresh.id, sent.id}


async def test_freeing_counts_a_lost_worker_but_not_a_lost_message(store: OrderStore) -> None:
    unheld, _ = await accept(store, new_order(), lease_ms=0)
    routing = await advanced(store, await accepted(store), S.ROUTING)
    held = await store.claim(routing, holder="dead", lease_ms=0)
    assert held is not None

    freed = await store.free([unheld.id, held.id], lease_ms=LEASE_MS)

    orders = await store.get_many(freed)
    assert set(freed) == {unheld.id, held.id}
    assert (orders[unheld.id].leases_lost, orders[held.id].leases_lost) == (0, 1)
    assert orders[held.id].lease_holder is None
    assert await store.overdue(most=10) == []


async def test_a_lease_renewed_meanwhile_is_not_freed(store: OrderStore) -> None:
    order = await accepted(store)

    assert await store.free([order.id], lease_ms=LEASE_MS) == []


async def test_submitted_orders_come_in_pages(
    store: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent, "_PAGE", 3)
    path = (S.ROUTING, S.BUILDING, S.SUBMITTED)
    orders = [await advanced(store, await accepted(store), *path) for _ in range(5)]
    await advanced(store, await accepted(store), S.ROUTING)

    assert [o.id async for o in store.sent()] == [o.id for o in orders]


async def test_only_orders_that_owe_a_step_count_as_in_progress(store: OrderStore) -> None:
    for path in [(), (S.ROUTING,), (S.ROUTING, S.BUILDING), (S.FAILED,)]:
        await advanced(store, await accepted(store), *path)

    assert await store.in_progress() == 3
