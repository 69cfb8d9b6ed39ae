"""One order through the actors, called directly: what each leaves behind."""

import asyncio
import contextlib
from uuid import UUID

import pytest
from sqlalchemy import text

from engine.errors import EngineError, ErrorCode
from engine.order_status import OrderStatus
from engine.routing import best_route
from tasks.abandon_order import abandon_order
from tasks.attempts import TryAgain
from tasks.broker import broker
from tasks.confirm_orders import confirm_orders
from tasks.route_order import _build, route_order
from tasks.run_slot import run_slot
from tasks.submit_order import submit_order
from tasks.sweep_orders import sweep_orders
from tests.factories import LEASE_MS, accepted, new_order, step
from tests.models.test_order_store import gapless
from tests.venues import ScriptedVenue, rejected, unavailable

S = OrderStatus


async def call(actor, *arguments) -> None:
    """Run an actor's coroutine here, where a worker would run it on its own loop."""
    await actor.fn.__wrapped__(*arguments)


async def statuses(resources, order) -> list[tuple[S, int, str | None]]:
    events = await resources.orders.events_after({order.id: 0})
    return [(e.status, e.attempt, e.failure.code if e.failure else None) for e in events]


async def route(order) -> None:
    await call(route_order, str(order.id))


async def route_until_it_ends(order) -> int:
    """Run the actor as Retries would, without the waiting; return the number of runs."""
    for runs in range(1, 10):
        try:
            await route(order)
        except TryAgain:
            continue
        return runs
    raise AssertionError("it never ended")


async def expire_leases(resources) -> None:
    async with resources.database.connect() as connection:
        await connection.execute(
            text("UPDATE orders SET lease_until = now() WHERE completed_at IS NULL")
        )


async def landed(resources) -> list[str]:
    async with resources.database.connect() as connection:
        memos = await connection.scalars(
            text("SELECT memo FROM ledger_transactions WHERE outcome = 'LANDED'")
        )
        return list(memos)


async def test_an_order_goes_from_pending_to_confirmed(resources, pass_slots):
    order = await accepted(resources.orders, venues=("raydium",))

    await route(order)
    await pass_slots(10)
    await call(confirm_orders)

    done = await resources.orders.get(order.id)
    assert done is not None
    assert await statuses(resources, order) == [
        (S.PENDING, 0, None),
        (S.ROUTING, 1, None),
        (S.BUILDING, 1, None),
        (S.SUBMITTED, 1, None),
        (S.CONFIRMED, 1, None),
    ]
    assert (done.venue, done.amount_out, done.fee, done.attempts) == (
        "raydium",
        149_622_015,
        2_500_000,
        1,
    )
    assert done.executed_price is not None
    assert str(done.executed_price) == "149.622015"
    assert done.route is not None
    assert [(leg.pool, leg.amount_out) for leg in done.route] == [("raydium:SOL-USDC", 149_622_015)]
    assert await landed(resources) == [str(order.id)]
    assert await gapless(resources.database)


async def test_the_losing_quote_is_kept_with_the_step_that_chose(resources):
    order = await accepted(resources.orders)

    await route(order)

    building = (await resources.orders.events_after({order.id: 2}))[0]
    assert [q.venue for q in building.quotes] == ["meteora", "raydium"]
    assert all(q.amount_out for q in building.quotes)
    assert building.route[0].pool == "meteora:SOL-USDC"


async def test_the_signed_transaction_is_stored_before_it_is_sent(resources, with_venues):
    class Watching(ScriptedVenue):
        async def submit(self, transaction):
            stored = await resources.orders.get(order.id)
            assert stored.status is S.SUBMITTED  # so that nobody can cancel it any more
            assert stored.signed_transaction == transaction.payload
            await super().submit(transaction)

    venue = Watching()
    with_venues(venue)
    order = await accepted(resources.orders)

    await route(order)

    assert venue.submitted == 1


async def test_a_transient_fault_is_tried_again_with_its_reason(resources, with_venues):
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


async def test_three_failures_end_the_order_with_the_last_code(resources, with_venues):
    with_venues(ScriptedVenue(quote_errors=[unavailable()] * 9))
    order = await accepted(resources.orders)

    await route_until_it_ends(order)

    assert (await statuses(resources, order))[-1] == (S.FAILED, 3, ErrorCode.VENUE_UNAVAILABLE)


async def test_a_final_fault_ends_the_order_at_once(resources, with_venues):
    with_venues(ScriptedVenue(quote_errors=[rejected()]))
    order = await accepted(resources.orders)

    assert await route_until_it_ends(order) == 1
    assert (await statuses(resources, order))[-1] == (S.FAILED, 1, ErrorCode.VENUE_REJECTED)


async def test_the_next_attempt_prefers_another_venue(resources, with_venues):
    flaky = ScriptedVenue("flaky", amount_out=2_000_000)
    steady = ScriptedVenue("steady", amount_out=1_999_999)
    with_venues(flaky, steady)
    order = await accepted(resources.orders)
    moved = await resources.orders.advance(step(order, S.ROUTING, attempt=1))
    assert moved is not None
    await resources.orders.advance(
        step(moved.order, S.ROUTING, attempt=2, failure=unavailable("flaky").failure)
    )

    await route(order)

    routed = await resources.orders.get(order.id)
    assert routed is not None
    assert routed.venue == "steady"


async def test_below_the_owners_floor_nothing_is_built(resources, with_venues):
    venue = ScriptedVenue(amount_out=999_999)
    with_venues(venue)
    order = await accepted(resources.orders, min_amount_out=1_000_000)

    await route_until_it_ends(order)

    assert (await statuses(resources, order))[-1] == (S.FAILED, 3, ErrorCode.SLIPPAGE_EXCEEDED)
    assert (venue.quoted, venue.built) == (3, 0)


async def test_exactly_the_floor_passes(resources, with_venues):
    with_venues(ScriptedVenue(amount_out=1_000_000))
    order = await accepted(resources.orders, min_amount_out=1_000_000)

    assert await route_until_it_ends(order) == 1


async def test_a_reverted_swap_is_requoted_at_the_same_floor(resources, with_venues, pass_slots):
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


async def test_every_message_ten_times_at_once_makes_one_swap(resources, pass_slots):
    order = await accepted(resources.orders)

    await asyncio.gather(*(route(order) for _ in range(10)), return_exceptions=True)
    await asyncio.gather(*(call(submit_order, str(order.id)) for _ in range(10)))
    await pass_slots(10)
    await asyncio.gather(*(call(confirm_orders) for _ in range(10)))
    await asyncio.gather(*(route(order) for _ in range(10)))

    assert await landed(resources) == [str(order.id)]
    assert [s for s, _, _ in await statuses(resources, order)] == [
        S.PENDING,
        S.ROUTING,
        S.BUILDING,
        S.SUBMITTED,
        S.CONFIRMED,
    ]


async def test_a_lost_message_is_sent_again_without_costing_an_attempt(resources):
    order, _ = await resources.orders.accept(new_order(), lease_ms=0)

    await call(sweep_orders)

    assert resources.sender.sent == [("order.route", (str(order.id),), None)]
    await route(order)
    done = await resources.orders.get(order.id)
    assert done is not None
    assert (done.status, done.attempts) == (S.SUBMITTED, 1)


async def test_a_swept_order_is_not_sent_again_at_every_sweep(resources):
    await resources.orders.accept(new_order(), lease_ms=0)

    for _ in range(5):
        await call(sweep_orders)

    assert len(resources.sender.sent) == 1


async def test_what_still_waits_in_a_long_queue_is_not_sent_again_but_what_is_lost_is(resources):
    broker.flush_all()
    orders = [(await resources.orders.accept(new_order(), lease_ms=0))[0] for _ in range(4)]
    lost, first, second, third = orders
    for order in (first, second, third):
        route_order.send(str(order.id))

    await call(sweep_orders)
    assert [args for _, args, _ in resources.sender.sent] == [(str(lost.id),)]

    broker.flush_all()
    await expire_leases(resources)
    await call(sweep_orders)
    again = {args for _, args, _ in resources.sender.sent[1:]}
    assert again == {(str(order.id),) for order in orders}


async def test_a_step_that_kills_its_worker_each_time_ends_failed(resources):
    order = await accepted(resources.orders)

    for _ in range(3):
        taken = await resources.orders.get(order.id)
        if taken.status is S.PENDING:
            await resources.orders.advance(step(taken, S.ROUTING, lease_holder="m"))
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


async def test_a_step_that_kills_its_worker_does_not_take_others_down_with_it(resources):
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
                await resources.orders.advance(step(taken, S.ROUTING, lease_holder="m"))
            else:
                await resources.orders.claim(taken, holder="m", lease_ms=LEASE_MS)
        if poison not in waiting:
            for id in waiting:
                taken = await resources.orders.get(id)
                for status in (S.BUILDING, S.SUBMITTED):
                    taken = (await resources.orders.advance(step(taken, status))).order
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


async def test_a_worker_lost_between_build_and_submit_sends_the_same_bytes(
    resources, with_venues, pass_slots
):
    venue = ScriptedVenue()
    resources = with_venues(venue)
    order = await accepted(resources.orders)
    await resources.orders.advance(step(order, S.ROUTING))
    routing = await resources.orders.get(order.id)
    best = await best_route(routing.swap, [venue], deadline_ms=1_000)
    built = await _build(routing, best, resources)
    assert built is not None
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
    resources, with_venues, pass_slots
):
    venue = ScriptedVenue(submit_errors=[KeyboardInterrupt()])
    with_venues(venue)
    order = await accepted(resources.orders)
    with pytest.raises(KeyboardInterrupt):
        await route(order)
    assert (await statuses(resources, order))[-1][0] is S.SUBMITTED

    await call(confirm_orders)
    assert ("order.submit", (str(order.id),), None) in resources.sender.sent
    await call(submit_order, str(order.id))  # the lost worker's lease still holds
    assert venue.submitted == 1
    await expire_leases(resources)
    await call(submit_order, str(order.id))
    await pass_slots(10)
    await call(confirm_orders)

    assert (await statuses(resources, order))[-1] == (S.CONFIRMED, 1, None)
    assert (venue.built, venue.submitted) == (1, 2)
    assert await landed(resources) == [str(order.id)]


async def test_bytes_that_kill_their_senders_are_left_to_expire(resources, with_venues, pass_slots):
    venue = ScriptedVenue(submit_errors=[KeyboardInterrupt()] * 9)
    with_venues(venue)
    order = await accepted(resources.orders)
    for _ in range(6):
        with contextlib.suppress(KeyboardInterrupt):
            await route(order)
        with contextlib.suppress(KeyboardInterrupt):
            await call(submit_order, str(order.id))
        await expire_leases(resources)
    assert venue.submitted == 4  # once, and three times again

    await call(confirm_orders)  # unknown and still valid: not dead
    assert (await statuses(resources, order))[-1][0] is S.SUBMITTED
    await pass_slots(151)
    await call(confirm_orders)

    assert (await statuses(resources, order))[-1] == (S.ROUTING, 2, ErrorCode.TRANSACTION_EXPIRED)
    assert await landed(resources) == []


async def test_building_that_loses_each_worker_costs_an_attempt(resources):
    order = await accepted(resources.orders)
    moved = await resources.orders.advance(step(order, S.ROUTING))
    assert moved is not None
    await resources.orders.advance(step(moved.order, S.BUILDING, venue="raydium"))
    for _ in range(3):
        built = await resources.orders.get(order.id)
        assert built is not None
        await resources.orders.claim(built, holder="m", lease_ms=1)
        await expire_leases(resources)
        await call(sweep_orders)

    assert (await statuses(resources, order))[-1] == (S.ROUTING, 2, ErrorCode.WORKER_LOST)


async def test_a_venue_that_does_not_take_the_bytes_is_sent_the_same_bytes_again(
    resources, with_venues
):
    venue = ScriptedVenue(submit_errors=[unavailable()])
    with_venues(venue)
    order = await accepted(resources.orders)

    await route(order)
    await expire_leases(resources)
    await call(submit_order, str(order.id))

    assert [s for s, _, _ in await statuses(resources, order)][-2:] == [S.BUILDING, S.SUBMITTED]
    assert (venue.built, venue.submitted) == (1, 2)


async def test_what_proves_dead_when_sent_again_is_routed_anew(resources, with_venues):
    expired = EngineError(ErrorCode.TRANSACTION_EXPIRED, "Too late.")
    with_venues(ScriptedVenue(submit_errors=[unavailable(), expired]))
    order = await accepted(resources.orders)
    await route(order)
    await expire_leases(resources)

    await call(submit_order, str(order.id))

    assert (await statuses(resources, order))[-1] == (S.ROUTING, 2, ErrorCode.TRANSACTION_EXPIRED)
    ((actor, args, _),) = resources.sender.sent
    assert (actor, args) == ("order.route", (str(order.id),))


async def test_a_venue_that_refuses_the_bytes_ends_the_order(resources, with_venues):
    with_venues(ScriptedVenue(submit_errors=[rejected()]))
    order = await accepted(resources.orders)

    await route(order)

    assert (await statuses(resources, order))[-1] == (S.FAILED, 1, ErrorCode.VENUE_REJECTED)


async def test_a_transaction_dead_before_it_was_sent_is_built_anew(resources, with_venues):
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


async def test_an_order_whose_step_failed_unexpectedly_ends_as_internal(resources, with_venues):
    with_venues(ScriptedVenue(quote_errors=[ZeroDivisionError()]))
    order = await accepted(resources.orders)
    with pytest.raises(ZeroDivisionError):
        await route(order)

    await call(abandon_order, {"args": [str(order.id)]}, {})

    assert (await statuses(resources, order))[-1] == (S.FAILED, 1, ErrorCode.INTERNAL)


async def test_an_order_that_may_be_sent_is_not_abandoned_but_asked_about(resources, with_venues):
    with_venues(ScriptedVenue(submit_errors=[ZeroDivisionError()]))
    order = await accepted(resources.orders)
    with pytest.raises(ZeroDivisionError):
        await route(order)

    await call(abandon_order, {"args": [str(order.id)]}, {})
    await call(abandon_order, {"args": [str(order.id)]}, {})

    assert (await statuses(resources, order))[-1] == (S.SUBMITTED, 1, None)


async def test_confirming_asks_for_at_most_256_signatures_at_once(resources, with_venues):
    asked: list[int] = []

    class Counting(ScriptedVenue):
        async def statuses(self, signatures):
            asked.append(len(signatures))
            return await super().statuses(signatures)

    with_venues(Counting())
    orders = [await accepted(resources.orders) for _ in range(300)]
    await asyncio.gather(*(route(order) for order in orders))

    await call(confirm_orders)

    assert sorted(asked) == [44, 256]


async def test_a_venue_that_does_not_tell_delays_only_its_own_orders(
    resources, with_venues, pass_slots
):
    class Mute(ScriptedVenue):
        async def statuses(self, signatures):
            raise unavailable(self.id)

    with_venues(Mute("mute"), ScriptedVenue("open"))
    mute = await accepted(resources.orders, venues=("mute",))
    opened = await accepted(resources.orders, venues=("open",))
    await asyncio.gather(route(mute), route(opened))
    await pass_slots(10)

    await call(confirm_orders)

    assert (await statuses(resources, mute))[-1][0] is S.SUBMITTED
    assert (await statuses(resources, opened))[-1][0] is S.CONFIRMED


async def test_a_slot_that_ran_has_orders_woken_and_asked_about(resources):
    async with resources.database.connect() as connection:
        await connection.execute(
            text("UPDATE devnet SET slot_began_at = now() - interval '3600 s'")
        )

    await call(run_slot)
    await call(run_slot)

    assert [actor for actor, _, _ in resources.sender.sent] == [
        "orders.watch",
        "orders.confirm",
    ]
