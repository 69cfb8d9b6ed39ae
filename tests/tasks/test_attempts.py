"""Attempts that fail: tried again, on another venue, at the same floor, and not for ever."""

from collections.abc import Awaitable, Callable

import pytest

from engine.errors import EngineError, ErrorCode
from engine.orders.status import OrderStatus
from tasks.abandon_order import abandon_order
from tasks.confirm_orders import confirm_orders
from tests.factories import accepted, move, step
from tests.models.orders.invariants import gapless
from tests.tasks.conftest import Wired
from tests.tasks.steps import call, landed, route, route_until_it_ends, statuses
from tests.venues import ScriptedVenue, rejected, unavailable

S = OrderStatus


async def test_a_transient_fault_is_tried_again_with_its_reason(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    with_venues(ScriptedVenue(quote_errors=[unavailable(), unavailable()]))
    order = await accepted(resources.orders)

    runs = await route_until_it_ends(order)

    assert runs == 3
    assert await statuses(resources, order) == [
        (S.PENDING, 0, None),
        (S.ROUTING, 1, None),
        (S.ROUTING, 2, ErrorCode.VENUE_UNAVAILABLE),
        (S.ROUTING, 3, ErrorCode.VENUE_UNAVAILABLE),
        (S.BUILDING, 3, None),
        (S.SUBMITTED, 3, None),
    ]
    assert await gapless(resources.database)


async def test_three_failures_end_the_order_with_the_last_code(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    with_venues(ScriptedVenue(quote_errors=[unavailable()] * 9))
    order = await accepted(resources.orders)

    await route_until_it_ends(order)

    assert (await statuses(resources, order))[-1] == (S.FAILED, 3, ErrorCode.VENUE_UNAVAILABLE)


async def test_a_final_fault_ends_the_order_at_once(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    with_venues(ScriptedVenue(quote_errors=[rejected()]))
    order = await accepted(resources.orders)

    assert await route_until_it_ends(order) == 1
    assert (await statuses(resources, order))[-1] == (S.FAILED, 1, ErrorCode.VENUE_REJECTED)


async def test_the_next_attempt_prefers_another_venue(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    flaky = ScriptedVenue("flaky", amount_out=2_000_000)
    steady = ScriptedVenue("steady", amount_out=1_999_999)
    with_venues(flaky, steady)
    order = await accepted(resources.orders)
    moved = await move(resources.orders, step(order, S.ROUTING, attempt=1))
    assert moved is not None
    await move(
        resources.orders,
        step(moved.order, S.ROUTING, attempt=2, failure=unavailable("flaky").failure),
    )

    await route(order)

    routed = await resources.orders.get(order.id)
    assert routed is not None
    assert routed.venue == "steady"


async def test_below_the_owners_floor_nothing_is_built(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    venue = ScriptedVenue(amount_out=999_999)
    with_venues(venue)
    order = await accepted(resources.orders, min_amount_out=1_000_000)

    await route_until_it_ends(order)

    assert (await statuses(resources, order))[-1] == (S.FAILED, 3, ErrorCode.SLIPPAGE_EXCEEDED)
    assert (venue.quoted, venue.built) == (3, 0)


async def test_exactly_the_floor_passes(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    with_venues(ScriptedVenue(amount_out=1_000_000))
    order = await accepted(resources.orders, min_amount_out=1_000_000)

    assert await route_until_it_ends(order) == 1


async def test_a_reverted_swap_is_requoted_at_the_same_floor(
    resources: Wired,
    with_venues: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    # The venue promises more than its pool gives, so the ledger reverts each transaction.
    venue = ScriptedVenue(amount_out=200_000_000)
    with_venues(venue)
    order = await accepted(resources.orders)
    await route(order)
    await pass_slots(10)

    await call(confirm_orders)

    again = await resources.orders.get(order.id)
    assert again is not None
    assert (again.status, again.attempts) == (S.ROUTING, 2)
    assert (again.min_amount_out, again.tx_signature) == (199_000_000, None)
    ((actor, args, delay_ms),) = resources.sender.sent
    assert (actor, args) == ("order.route", (str(order.id),))
    assert delay_ms >= 0
    venue.amount_out = 100_000_000
    await route_until_it_ends(order)
    assert (await statuses(resources, order))[-1] == (S.FAILED, 3, ErrorCode.SLIPPAGE_EXCEEDED)
    assert await landed(resources) == []


async def test_a_venue_that_refuses_the_bytes_ends_the_order(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    with_venues(ScriptedVenue(submit_errors=[rejected()]))
    order = await accepted(resources.orders)

    await route(order)

    assert (await statuses(resources, order))[-1] == (S.FAILED, 1, ErrorCode.VENUE_REJECTED)


async def test_a_transaction_dead_before_it_was_sent_is_built_anew(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    expired = EngineError(ErrorCode.TRANSACTION_EXPIRED, "Too late.")
    venue = ScriptedVenue(submit_errors=[expired])
    with_venues(venue)
    order = await accepted(resources.orders)

    assert await route_until_it_ends(order) == 2

    assert (await statuses(resources, order))[-3:] == [
        (S.ROUTING, 2, ErrorCode.TRANSACTION_EXPIRED),
        (S.BUILDING, 2, None),
        (S.SUBMITTED, 2, None),
    ]
    assert venue.built == 2


async def test_an_order_whose_step_failed_unexpectedly_ends_as_internal(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    with_venues(ScriptedVenue(quote_errors=[ZeroDivisionError()]))
    order = await accepted(resources.orders)
    with pytest.raises(ZeroDivisionError):
        await route(order)

    await call(abandon_order, {"args": [str(order.id)]}, {})

    assert (await statuses(resources, order))[-1] == (S.FAILED, 1, ErrorCode.INTERNAL)
