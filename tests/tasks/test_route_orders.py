"""A group of market orders, routed together: each comes to what it would have come to alone."""

from collections.abc import Awaitable, Callable

import pytest

from engine.errors import ErrorCode
from engine.orders.status import OrderStatus
from engine.swaps.simulation import Simulation
from models.database import is_outage
from models.orders.tables import Order
from tasks.confirm_orders import confirm_orders
from tasks.route_orders import route_orders
from tests.factories import accepted, move, step
from tests.tasks.conftest import Wired
from tests.tasks.steps import call, landed, route, statuses
from tests.venues import ScriptedVenue, rejected, unavailable

S = OrderStatus


async def route_together(*orders: Order) -> None:
    await call(route_orders, [str(order.id) for order in orders])


async def status(resources: Wired, order: Order) -> S:
    return (await resources.orders.get(order.id)).status


async def test_a_group_is_submitted_with_every_event_and_lands(
    resources: Wired, pass_slots: Callable[[int], Awaitable[None]]
) -> None:
    orders = [await accepted(resources.orders) for _ in range(5)]

    await route_together(*orders)
    await pass_slots(10)
    await call(confirm_orders)

    path = [S.PENDING, S.ROUTING, S.BUILDING, S.SUBMITTED, S.CONFIRMED]
    for order in orders:
        assert [s for s, _, _ in await statuses(resources, order)] == path
    assert sorted(await landed(resources)) == sorted(str(order.id) for order in orders)


async def test_what_fails_one_order_fails_no_other(resources: Wired) -> None:
    good = [await accepted(resources.orders) for _ in range(3)]
    unroutable = await accepted(resources.orders, venues=["nobody"])
    to_try_again = await accepted(resources.orders, simulation=Simulation(quote_failures=1))

    await route_together(good[0], unroutable, good[1], to_try_again, good[2])

    assert {await status(resources, order) for order in good} == {S.SUBMITTED}
    assert (await statuses(resources, unroutable))[-1] == (S.FAILED, 1, "UNKNOWN_VENUE")
    assert (await statuses(resources, to_try_again))[-1] == (S.ROUTING, 2, "VENUE_UNAVAILABLE")
    [(actor, args, delay_ms)] = resources.sender.sent
    assert (actor, args) == ("order.route", (str(to_try_again.id),))
    assert delay_ms > 0  # the backoff


async def test_an_order_somebody_moved_meanwhile_is_left_alone(resources: Wired) -> None:
    canceled, good = await accepted(resources.orders), await accepted(resources.orders)
    await move(resources.orders, step(canceled, S.CANCELED, attempt=0))

    await route_together(canceled, good)

    assert await status(resources, canceled) is S.CANCELED
    assert await status(resources, good) is S.SUBMITTED


async def test_the_same_message_twice_sends_nothing_twice(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    venue = ScriptedVenue()
    resources = with_venues(venue)
    orders = [await accepted(resources.orders) for _ in range(3)]

    await route_together(*orders)
    await route_together(*orders)

    assert (venue.built, venue.submitted) == (3, 3)


async def test_after_an_outage_the_message_goes_on_with_the_orders_it_had_begun(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    resources = with_venues(ScriptedVenue(quote_errors=[ConnectionResetError()]))
    orders = [await accepted(resources.orders) for _ in range(3)]

    with pytest.raises(ConnectionResetError) as outage:
        await route_together(*orders)
    assert is_outage(outage.value)
    assert {await status(resources, order) for order in orders} == {S.ROUTING}
    await route_together(*orders)

    assert {await status(resources, order) for order in orders} == {S.SUBMITTED}
    assert {(await resources.orders.get(order.id)).attempts for order in orders} == {1}


async def test_a_bug_in_a_group_has_each_order_go_by_itself(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    resources = with_venues(ScriptedVenue(quote_errors=[ZeroDivisionError()]))
    orders = [await accepted(resources.orders) for _ in range(3)]

    await route_together(*orders)

    sent = {args for actor, args, _ in resources.sender.sent if actor == "order.route"}
    assert sent == {(str(order.id),) for order in orders}
    for order in orders:
        await route(order)
    assert {await status(resources, order) for order in orders} == {S.SUBMITTED}


async def test_bytes_that_one_venue_refuses_for_good_fail_their_orders_only(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    resources = with_venues(
        ScriptedVenue("a", submit_errors=[rejected("a"), unavailable("a")]),
        ScriptedVenue("b", amount_out=1),
    )
    refused, silent, good = [await accepted(resources.orders) for _ in range(3)]

    await route_together(refused, silent, good)

    assert (await statuses(resources, refused))[-1] == (S.FAILED, 1, ErrorCode.VENUE_REJECTED)
    assert await status(resources, silent) is S.SUBMITTED  # nobody knows what it took
    assert await status(resources, good) is S.SUBMITTED
