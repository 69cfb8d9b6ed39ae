"""Steps: an order is moved by compare-and-set, row and event together."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.errors import ErrorCode, Failure
from engine.orders.status import IllegalStep, OrderStatus
from engine.swaps.swap import RouteLeg, VenueQuote
from models.hot import HotPool
from models.orders.store import OrderStore
from tests.factories import accepted, advanced, move, step
from tests.models.orders.invariants import gapless

S = OrderStatus
LEG = RouteLeg(
    venue="raydium",
    pool="p",
    token_in="a",
    token_out="b",
    amount_in=2**64 - 1,
    amount_out=7,
    fee=1,
    share_bps=10_000,
)
QUOTE = VenueQuote(venue="raydium", amount_out=2**64 - 1, price=Decimal("0.1"), latency_ms=3)
FAILURE = Failure(code=ErrorCode.VENUE_TIMEOUT, message="Slow.", venue="meteora")


async def test_a_step_moves_the_row_and_writes_its_event_together(
    store: OrderStore, database: AsyncEngine
) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING)
    moved = await move(
        store,
        step(
            order,
            S.BUILDING,
            venue="raydium",
            route=(LEG,),
            quotes=(QUOTE,),
            quoted_price=Decimal("149.5"),
            tx_signature="sig",
            signed_transaction=b"\x00bytes",
            last_valid_slot=150,
            min_amount_out=2**63,
        ),
    )

    assert moved is not None
    stored = await store.get(order.id)
    assert stored is not None
    assert stored.model_dump() == moved.order.model_dump()
    assert (stored.route, stored.signed_transaction) == ((LEG,), b"\x00bytes")
    assert (stored.min_amount_out, stored.quoted_price) == (2**63, Decimal("149.5"))
    events = await store.events_after({order.id: 0})
    assert events[-1] == moved.event
    assert events[-1].quotes == (QUOTE,)
    assert await gapless(database)


async def test_events_survive_the_way_through_json(store: OrderStore) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING)
    moved = await move(store, step(order, S.ROUTING, attempt=2, failure=FAILURE, quotes=(QUOTE,)))
    assert moved is not None

    again = type(moved.event).model_validate_json(
        moved.event.model_dump_json(exclude_defaults=True)
    )

    assert again == moved.event


async def test_a_new_attempt_forgets_the_last_ones_transaction_and_keeps_the_floor(
    store: OrderStore,
) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING)
    built = step(order, S.BUILDING, tx_signature="sig", venue="raydium", min_amount_out=9)
    moved = await move(store, built)
    assert moved is not None

    again = await move(store, step(moved.order, S.ROUTING, attempt=2, failure=FAILURE))

    assert again is not None
    assert (again.order.tx_signature, again.order.venue, again.order.attempts) == (None, None, 2)
    assert (again.order.min_amount_out, again.order.failure) == (9, FAILURE)


async def test_the_floor_is_never_lowered(store: OrderStore) -> None:
    order = await advanced(store, await accepted(store, min_amount_out=100), S.ROUTING)

    moved = await move(store, step(order, S.BUILDING, min_amount_out=99))

    assert moved is not None
    assert moved.order.min_amount_out == 100


async def test_of_many_that_make_the_same_step_one_succeeds(
    store: OrderStore, database: AsyncEngine, hot: HotPool
) -> None:
    order = await accepted(store)
    stores = [OrderStore(database, hot) for _ in range(20)]

    moved = await asyncio.gather(*(move(s, step(order, S.ROUTING)) for s in stores))

    assert sum(m is not None for m in moved) == 1
    assert await gapless(database)


async def test_the_same_step_twice_in_one_statement_is_made_once(
    store: OrderStore, database: AsyncEngine
) -> None:
    order = await accepted(store)

    moved = await store.advance_all([step(order, S.ROUTING), step(order, S.ROUTING)])

    assert sum(m is not None for m in moved) == 1
    assert await gapless(database)


async def test_a_stale_sequence_moves_nothing_even_in_the_same_status(store: OrderStore) -> None:
    order = await advanced(store, await accepted(store), S.ROUTING)
    await advanced(store, order, S.ROUTING)

    assert await move(store, step(order, S.BUILDING)) is None


async def test_an_illegal_step_is_a_bug_and_is_raised(store: OrderStore) -> None:
    order = await accepted(store)

    with pytest.raises(IllegalStep):
        await move(store, step(order, S.CONFIRMED))


async def test_events_of_many_orders_are_read_from_each_ones_place(store: OrderStore) -> None:
    first = await advanced(store, await accepted(store), S.ROUTING, S.BUILDING)
    second = await advanced(store, await accepted(store), S.ROUTING)

    events = await store.events_after({first.id: 1, second.id: 2})

    assert [(e.order_id, e.sequence) for e in events] == [(first.id, 2), (first.id, 3)]


async def test_many_orders_are_moved_in_one_statement_answers_in_order(store: OrderStore) -> None:
    orders = [await accepted(store) for _ in range(30)]
    steps = [step(order, S.ROUTING) for order in orders]
    steps.insert(7, step(orders[3], S.FAILED, sequence=99))

    moved = await store.advance_all(steps)

    assert moved[7] is None
    ids = [m.order.id for m in moved if m is not None]
    assert ids == [order.id for order in orders]
