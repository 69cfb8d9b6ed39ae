"""Bytes on their way to a venue: each transaction is sent again, or proves dead, alone."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Never

import pytest

from engine.errors import EngineError, ErrorCode
from engine.orders.status import OrderStatus
from engine.swaps.transaction import SignedTransaction
from tasks.confirm_orders import confirm_orders
from tasks.resend_orders import resend_orders
from tasks.submit_order import submit_order
from tasks.sweep_orders import sweep_orders
from tests.factories import accepted, move, step
from tests.tasks.conftest import Wired
from tests.tasks.steps import call, expire_leases, landed, route, statuses
from tests.venues import ScriptedVenue, unavailable

S = OrderStatus


async def test_a_worker_lost_between_build_and_submit_sends_the_same_bytes(
    resources: Wired,
    with_venues: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    venue = ScriptedVenue()
    resources = with_venues(venue)
    order = await accepted(resources.orders)
    await move(resources.orders, step(order, S.ROUTING))
    routing = await resources.orders.get(order.id)
    quote = await venue.quote(routing.swap)
    signed = await venue.build(quote, min_amount_out=1, memo=str(order.id), nonce=1)
    built = (
        await move(
            resources.orders,
            step(
                routing,
                S.BUILDING,
                lease_holder="a worker of the version before",
                venue=venue.id,
                tx_signature=signed.signature,
                signed_transaction=signed.payload,
                last_valid_slot=signed.last_valid_slot,
            ),
        )
    ).order
    await expire_leases(resources)

    await call(sweep_orders)
    assert resources.sender.sent == [("order.submit", (str(order.id),), None)]
    await call(submit_order, str(order.id))
    await pass_slots(10)
    await call(confirm_orders)

    done = await resources.orders.get(order.id)
    assert done is not None
    assert (done.status, done.attempts, done.tx_signature) == (S.CONFIRMED, 1, built.tx_signature)
    assert venue.built == 1
    assert await landed(resources) == [str(order.id)]


async def test_a_worker_lost_before_its_bytes_are_out_has_them_sent_by_another(
    resources: Wired,
    with_venues: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    venue = ScriptedVenue(submit_errors=[KeyboardInterrupt()])
    with_venues(venue)
    order = await accepted(resources.orders)
    with pytest.raises(KeyboardInterrupt):
        await route(order)
    assert (await statuses(resources, order))[-1][0] is S.SUBMITTED

    await call(confirm_orders)
    assert ("orders.resend", ([str(order.id)],), None) in resources.sender.sent
    await call(resend_orders, [str(order.id)])  # the lost worker's lease still holds
    assert venue.submitted == 1
    await expire_leases(resources)
    await call(resend_orders, [str(order.id)])
    await pass_slots(10)
    await call(confirm_orders)

    assert (await statuses(resources, order))[-1] == (S.CONFIRMED, 1, None)
    assert (venue.built, venue.submitted) == (1, 2)
    assert await landed(resources) == [str(order.id)]


async def test_bytes_that_kill_their_senders_are_left_to_expire(
    resources: Wired,
    with_venues: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    venue = ScriptedVenue(submit_errors=[KeyboardInterrupt()] * 9)
    with_venues(venue)
    order = await accepted(resources.orders)
    for _ in range(6):
        with contextlib.suppress(KeyboardInterrupt):
            await route(order)
        with contextlib.suppress(KeyboardInterrupt):
            await call(resend_orders, [str(order.id)])
        await expire_leases(resources)
    assert venue.submitted == 2  # once, and once again

    await call(confirm_orders)  # unknown and still valid: not dead
    assert (await statuses(resources, order))[-1][0] is S.SUBMITTED
    await pass_slots(151)
    await call(confirm_orders)

    assert (await statuses(resources, order))[-1] == (S.ROUTING, 2, ErrorCode.TRANSACTION_EXPIRED)
    assert await landed(resources) == []


async def test_bytes_that_kill_their_sender_leave_others_to_the_next(
    resources: Wired,
    with_venues: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    """All five lost their worker; one of them kills the next as well."""

    class Deadly(ScriptedVenue):
        async def submit(self, transaction: SignedTransaction) -> None:
            if transaction.signature == poison:
                raise KeyboardInterrupt
            await super().submit(transaction)

    poison = None
    venue = Deadly(submit_errors=[KeyboardInterrupt()] * 5)
    with_venues(venue)
    orders = [await accepted(resources.orders) for _ in range(5)]
    for order in orders:
        with pytest.raises(KeyboardInterrupt):
            await route(order)
    poison = (await resources.orders.get(orders[2].id)).tx_signature
    await expire_leases(resources)

    ids = [str(order.id) for order in orders]
    with pytest.raises(KeyboardInterrupt):
        await call(resend_orders, ids)
    await asyncio.gather(*(call(resend_orders, ids) for _ in range(3)))  # in the next slots
    await pass_slots(10)
    await call(confirm_orders)

    ended = await resources.orders.get_many([order.id for order in orders])
    assert {str(id) for id, order in ended.items() if order.status is S.CONFIRMED} == {
        *ids[:2],
        *ids[3:],
    }
    assert ended[orders[2].id].status is S.SUBMITTED  # until its transaction is dead


async def test_bytes_are_sent_again_for_as_long_as_their_venue_does_not_know_them(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    class Forgetful(ScriptedVenue):
        async def submit(self, transaction: SignedTransaction) -> None:
            self.submitted += 1

    venue = Forgetful()
    with_venues(venue)
    order = await accepted(resources.orders)
    await route(order)
    for _ in range(5):
        await call(resend_orders, [str(order.id)])  # in hand
        await expire_leases(resources)
        await call(resend_orders, [str(order.id)])

    assert venue.submitted == 6


async def test_one_venues_trouble_does_not_hold_up_what_others_have_to_say(
    resources: Wired,
    with_venues: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    class Broken(ScriptedVenue):
        async def statuses(self, signatures: Sequence[str]) -> Never:
            raise ZeroDivisionError

    resources = with_venues(Broken("broken", amount_out=1), ScriptedVenue("sound", amount_out=2))
    orders = [await accepted(resources.orders, venues=[v]) for v in ("broken", "sound")]
    for order in orders:
        await route(order)
    await pass_slots(10)

    await call(confirm_orders)

    assert [(await statuses(resources, order))[-1][0] for order in orders] == [
        S.SUBMITTED,
        S.CONFIRMED,
    ]


async def test_a_venue_that_raises_anything_is_sent_the_same_bytes_again(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    venue = ScriptedVenue(submit_errors=[ZeroDivisionError()] * 3)
    with_venues(venue)
    order = await accepted(resources.orders)
    await route(order)

    for _ in range(3):
        await expire_leases(resources)
        await call(resend_orders, [str(order.id)])

    assert venue.submitted == 4
    assert (await statuses(resources, order))[-1][0] is S.SUBMITTED


async def test_a_venue_that_does_not_take_the_bytes_is_sent_the_same_bytes_again(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    venue = ScriptedVenue(submit_errors=[unavailable()])
    with_venues(venue)
    order = await accepted(resources.orders)

    await route(order)
    await expire_leases(resources)
    await call(resend_orders, [str(order.id)])

    assert [s for s, _, _ in await statuses(resources, order)][-2:] == [S.BUILDING, S.SUBMITTED]
    assert (venue.built, venue.submitted) == (1, 2)


async def test_what_proves_dead_when_sent_again_is_routed_anew(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    expired = EngineError(ErrorCode.TRANSACTION_EXPIRED, "Too late.")
    with_venues(ScriptedVenue(submit_errors=[unavailable(), expired]))
    order = await accepted(resources.orders)
    await route(order)
    await expire_leases(resources)

    await call(resend_orders, [str(order.id)])

    assert (await statuses(resources, order))[-1] == (S.ROUTING, 2, ErrorCode.TRANSACTION_EXPIRED)
    ((actor, args, _),) = resources.sender.sent
    assert (actor, args) == ("order.route", (str(order.id),))
