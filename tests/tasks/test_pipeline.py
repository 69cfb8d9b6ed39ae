"""One order through the actors, called directly: what each leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Never

from sqlalchemy import text

from engine.orders.status import OrderStatus, OrderType
from engine.swaps.transaction import SignedTransaction, StatusReport
from tasks.abandon_order import abandon_order
from tasks.confirm_orders import confirm_orders
from tasks.resend_orders import resend_orders
from tasks.run_slot import run_slot
from tasks.submit_order import submit_order
from tests.factories import accepted, move, step
from tests.models.orders.invariants import gapless
from tests.tasks.conftest import Wired
from tests.tasks.steps import call, expire_leases, landed, route, statuses
from tests.venues import ScriptedVenue, unavailable

S = OrderStatus


async def test_an_order_goes_from_pending_to_confirmed(
    resources: Wired, pass_slots: Callable[[int], Awaitable[None]]
) -> None:
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


async def test_the_losing_quote_is_kept_with_the_step_that_chose(resources: Wired) -> None:
    order = await accepted(resources.orders)

    await route(order)

    building = (await resources.orders.events_after({order.id: 2}))[0]
    assert [q.venue for q in building.quotes] == ["meteora", "raydium"]
    assert all(q.amount_out for q in building.quotes)
    assert building.route[0].pool == "meteora:SOL-USDC"


async def test_the_signed_transaction_is_stored_before_it_is_sent(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    class Watching(ScriptedVenue):
        async def submit(self, transaction: SignedTransaction) -> None:
            stored = await resources.orders.get(order.id)
            assert stored.status is S.SUBMITTED  # so that nobody can cancel it any more
            assert stored.signed_transaction == transaction.payload
            await super().submit(transaction)

    venue = Watching()
    with_venues(venue)
    order = await accepted(resources.orders)

    await route(order)

    assert venue.submitted == 1


async def test_every_message_ten_times_at_once_makes_one_swap(
    resources: Wired, pass_slots: Callable[[int], Awaitable[None]]
) -> None:
    order = await accepted(resources.orders)

    await asyncio.gather(*(route(order) for _ in range(10)), return_exceptions=True)
    await asyncio.gather(*(call(submit_order, str(order.id)) for _ in range(10)))
    await expire_leases(resources)
    await asyncio.gather(*(call(resend_orders, [str(order.id)]) for _ in range(10)))
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


async def test_an_order_that_may_be_sent_is_not_abandoned_but_asked_about(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    with_venues(ScriptedVenue(submit_errors=[ZeroDivisionError()]))
    order = await accepted(resources.orders)
    await route(order)

    await call(abandon_order, {"args": [str(order.id)]}, {})
    await call(abandon_order, {"args": [str(order.id)]}, {})

    assert (await statuses(resources, order))[-1] == (S.SUBMITTED, 1, None)


async def test_confirming_asks_for_at_most_256_signatures_at_once(
    resources: Wired, with_venues: Callable[..., Wired]
) -> None:
    asked: list[int] = []

    class Counting(ScriptedVenue):
        async def statuses(self, signatures: Sequence[str]) -> StatusReport:
            asked.append(len(signatures))
            return await super().statuses(signatures)

    with_venues(Counting())
    orders = [await accepted(resources.orders) for _ in range(300)]
    await asyncio.gather(*(route(order) for order in orders))

    await call(confirm_orders)

    assert sorted(asked) == [44, 256]


async def test_a_venue_that_does_not_tell_delays_only_its_own_orders(
    resources: Wired,
    with_venues: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    class Mute(ScriptedVenue):
        async def statuses(self, signatures: Sequence[str]) -> Never:
            raise unavailable(self.id)

    with_venues(Mute("mute"), ScriptedVenue("open"))
    mute = await accepted(resources.orders, venues=("mute",))
    opened = await accepted(resources.orders, venues=("open",))
    await asyncio.gather(route(mute), route(opened))
    await pass_slots(10)

    await call(confirm_orders)

    assert (await statuses(resources, mute))[-1][0] is S.SUBMITTED
    assert (await statuses(resources, opened))[-1][0] is S.CONFIRMED


async def test_a_tick_runs_its_slots_confirms_what_they_settled_and_wakes_what_waits(
    resources: Wired,
) -> None:
    sent = await accepted(resources.orders)
    await route(sent)
    waiting = await accepted(
        resources.orders, type=OrderType.LIMIT, limit_price=Decimal(1), min_amount_out=1
    )
    await move(resources.orders, step(waiting, S.WAITING_PRICE, attempt=0))
    async with resources.database.connect() as connection:
        await connection.execute(
            text("UPDATE devnet SET slot_began_at = now() - 10 * interval '3600 s'")
        )

    await call(run_slot)
    await call(run_slot)  # no slot has passed since

    assert (await statuses(resources, sent))[-1][0] is S.CONFIRMED
    assert (await statuses(resources, waiting))[-1][0] is S.ROUTING
    assert resources.sender.sent == [("order.route", (str(waiting.id),), None)]
