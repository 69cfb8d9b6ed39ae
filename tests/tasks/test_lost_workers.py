"""Messages and workers that are lost: each order goes on, or ends, alone."""

import dataclasses
from uuid import UUID

from engine.errors import ErrorCode, Failure
from engine.orders.status import OrderStatus
from tasks.broker import broker
from tasks.route_order import route_order
from tasks.sweep_orders import sweep_orders
from tests.factories import LEASE_MS, accept, accepted, advanced, move, new_order, step
from tests.tasks.conftest import Wired, middleware
from tests.tasks.steps import call, expire_leases, route, statuses
from tests.venues import unavailable

S = OrderStatus


async def test_a_lost_message_is_sent_again_without_costing_an_attempt(resources: Wired) -> None:
    order, _ = await accept(resources.orders, new_order(), lease_ms=0)

    await call(sweep_orders)

    assert resources.sender.sent == [("orders.route", ([str(order.id)],), None)]
    await route(order)
    done = await resources.orders.get(order.id)
    assert done is not None
    assert (done.status, done.attempts) == (S.SUBMITTED, 1)


async def test_a_swept_order_is_not_sent_again_at_every_sweep(resources: Wired) -> None:
    await accept(resources.orders, new_order(), lease_ms=0)

    for _ in range(5):
        await call(sweep_orders)

    assert len(resources.sender.sent) == 1


async def test_what_still_waits_in_a_long_queue_is_not_sent_again_but_what_is_lost_is(
    resources: Wired,
) -> None:
    broker.flush_all()
    orders = [(await accept(resources.orders, new_order(), lease_ms=0))[0] for _ in range(4)]
    lost, first, second, third = orders
    for order in (first, second, third):
        route_order.send(str(order.id))

    await call(sweep_orders)
    assert [args for _, args, _ in resources.sender.sent] == [([str(lost.id)],)]

    broker.flush_all()
    await expire_leases(resources)
    await call(sweep_orders)
    again = {id for _, (ids,), _ in resources.sender.sent[1:] for id in ids}
    assert again == {str(order.id) for order in orders}


async def test_a_step_that_kills_its_worker_each_time_ends_failed(resources: Wired) -> None:
    order = await accepted(resources.orders)

    for _ in range(3):
        taken = await resources.orders.get(order.id)
        if taken.status is S.PENDING:
            await move(resources.orders, step(taken, S.ROUTING, lease_holder="m"))
        else:
            await resources.orders.claim(taken, holder="m", lease_ms=1)
        await expire_leases(resources)
        await call(sweep_orders)
        await call(sweep_orders)  # the last chance comes a sweep later, alone

    assert await statuses(resources, order) == [
        (S.PENDING, 0, None),
        (S.ROUTING, 1, None),
        (S.ROUTING, 2, ErrorCode.WORKER_LOST),
        (S.ROUTING, 3, ErrorCode.WORKER_LOST),
        (S.FAILED, 3, ErrorCode.WORKER_LOST),
    ]


async def test_the_last_attempt_is_not_lost_with_somebody_elses_worker(resources: Wired) -> None:
    """Two attempts failed of their venue; the third was beside a step that kills its process."""
    order = await advanced(resources.orders, await accepted(resources.orders), S.ROUTING)
    last = step(order, S.ROUTING, attempt=3, failure=unavailable().failure, lease_holder="m")
    order = (await move(resources.orders, last)).order

    for _ in range(2):
        await expire_leases(resources)
        await call(sweep_orders)
    assert [args for _, args, _ in resources.sender.sent] == [(str(order.id),)]
    again = await resources.orders.get(order.id)
    assert await resources.orders.claim(again, holder="m", lease_ms=1) is not None
    await expire_leases(resources)
    await call(sweep_orders)

    assert (await statuses(resources, order))[-2:] == [
        (S.ROUTING, 3, ErrorCode.WORKER_LOST),
        (S.FAILED, 3, ErrorCode.WORKER_LOST),
    ]


async def test_an_order_of_one_attempt_has_a_chance_without_others_too(resources: Wired) -> None:
    settings = resources.settings.model_copy(update={"max_attempts": 1})
    resources = dataclasses.replace(resources, settings=settings)
    middleware().use(resources)
    orders = [await accepted(resources.orders) for _ in range(2)]
    for order in orders:
        await move(resources.orders, step(order, S.ROUTING, lease_holder="m"))

    for _ in range(2):
        await expire_leases(resources)
        await call(sweep_orders)

    done = await resources.orders.get_many([order.id for order in orders])
    assert {order.status for order in done.values()} == {S.ROUTING}
    assert len([name for name, _, _ in resources.sender.sent if name == "order.route"]) == 1


async def test_a_sweep_looks_again_a_few_times_for_those_it_holds_back(resources: Wired) -> None:
    for _ in range(3):
        order = await advanced(resources.orders, await accepted(resources.orders), S.ROUTING)
        lost = Failure(code=ErrorCode.WORKER_LOST, message="Lost.")
        await move(resources.orders, step(order, S.ROUTING, attempt=3, failure=lost, lease_ms=0))

    await call(sweep_orders)
    assert [m for m in resources.sender.sent if m[0] == "orders.sweep"] == [
        ("orders.sweep", (2,), 250)
    ]
    resources.sender.sent.clear()
    await call(sweep_orders, 0)

    assert [m for m in resources.sender.sent if m[0] == "orders.sweep"] == []


async def test_a_step_that_kills_its_worker_does_not_take_others_down_with_it(
    resources: Wired,
) -> None:
    orders = [await accepted(resources.orders) for _ in range(6)]
    ids = [order.id for order in orders]
    poison = ids[3]
    waiting = list(ids)
    rounds = 0
    while waiting:
        rounds += 1
        assert rounds < 30
        for id in waiting:  # one worker takes them all, and dies of one
            taken = await resources.orders.get(id)
            if taken.status is S.PENDING:
                await move(resources.orders, step(taken, S.ROUTING, lease_holder="m"))
            else:
                await resources.orders.claim(taken, holder="m", lease_ms=LEASE_MS)
        if poison not in waiting:
            for id in waiting:
                taken = await resources.orders.get(id)
                for status in (S.BUILDING, S.SUBMITTED):
                    taken = (await move(resources.orders, step(taken, status))).order
        resources.sender.sent.clear()
        for _ in range(2):
            await expire_leases(resources)
            await call(sweep_orders)
            waiting = [UUID(a[0]) for name, a, _ in resources.sender.sent if name == "order.route"]
            if waiting:
                break

    done = await resources.orders.get_many(ids)
    assert {id for id in ids if done[id].status is S.FAILED} == {poison}
    assert {order.status for order in done.values()} == {S.FAILED, S.SUBMITTED}


async def test_building_that_loses_each_worker_ends_the_order(resources: Wired) -> None:
    order = await accepted(resources.orders)
    moved = await move(resources.orders, step(order, S.ROUTING))
    assert moved is not None
    await move(resources.orders, step(moved.order, S.BUILDING, venue="raydium"))
    for _ in range(3):
        built = await resources.orders.get(order.id)
        assert built is not None
        await resources.orders.claim(built, holder="m", lease_ms=1)
        await expire_leases(resources)
        await call(sweep_orders)

    assert (await statuses(resources, order))[-1] == (S.FAILED, 1, ErrorCode.WORKER_LOST)
