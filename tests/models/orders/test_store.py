"""The door: orders are accepted once and moved by compare-and-set, row and event together."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.errors import ErrorCode, Failure
from engine.orders.status import NEXT, TERMINAL, IllegalStep, OrderStatus
from engine.swaps.swap import RouteLeg, VenueQuote
from models.orders.store import OrderStore
from tests.factories import LEASE_MS, accept, accepted, advanced, move, new_order, step

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


async def gapless(database) -> bool:
    """G4: events are numbered 1 … n and the row equals the last one."""
    async with database.connect() as connection:
        wrong = await connection.scalars(
            text("""
            SELECT o.id FROM orders o LEFT JOIN LATERAL (
                SELECT count(*) AS n, max(sequence) AS last,
                    (array_agg(status ORDER BY sequence DESC))[1] AS status,
                    (array_agg(attempt ORDER BY sequence DESC))[1] AS attempt,
                    (array_agg(failure ORDER BY sequence DESC))[1] AS failure,
                    max(occurred_at) AS at
                FROM order_events WHERE order_id = o.id) e ON true
            WHERE (o.sequence, o.sequence, o.status, o.attempts, o.updated_at)
                IS DISTINCT FROM (e.n::int, e.last, e.status, e.attempt, e.at)
                OR o.failure IS DISTINCT FROM e.failure
            """)
        )
        return wrong.all() == []


async def test_an_accepted_order_is_pending_with_its_first_event(store, database):
    order = await accepted(store, amount_in=2**64 - 1, min_amount_out=5, venues=("raydium",))

    (event,) = await store.events_after({order.id: 0})
    assert (order.status, order.sequence, order.attempts) == (S.PENDING, 1, 0)
    assert (order.amount_in, order.min_amount_out, order.venues) == (2**64 - 1, 5, ["raydium"])
    assert (event.sequence, event.status, event.previous_status) == (1, S.PENDING, None)
    assert event.occurred_at == order.created_at == order.updated_at
    assert await gapless(database)


async def test_fifty_doubles_at_once_make_one_order(store, database):
    doubles = [new_order(client_order_id="mine") for _ in range(50)]

    answers = await asyncio.gather(*(accept(store, d, lease_ms=LEASE_MS) for d in doubles))

    assert len({order.id for order, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert await gapless(database)


async def test_fifty_doubles_from_separate_processes_make_one_order(database, hot):
    stores = [OrderStore(database, hot) for _ in range(50)]

    answers = await asyncio.gather(
        *(accept(s, new_order(client_order_id="mine"), lease_ms=LEASE_MS) for s in stores)
    )

    assert len({order.id for order, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


async def test_the_same_client_order_id_of_another_account_is_another_order(store):
    mine = await accepted(store, client_order_id="x")
    yours = await accepted(store, client_order_id="x", account="other")

    assert mine.id != yours.id


async def test_a_step_moves_the_row_and_writes_its_event_together(store, database):
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


async def test_events_survive_the_way_through_json(store):
    order = await advanced(store, await accepted(store), S.ROUTING)
    moved = await move(store, step(order, S.ROUTING, attempt=2, failure=FAILURE, quotes=(QUOTE,)))
    assert moved is not None

    again = type(moved.event).model_validate_json(
        moved.event.model_dump_json(exclude_defaults=True)
    )

    assert again == moved.event


async def test_a_new_attempt_forgets_the_last_ones_transaction_and_keeps_the_floor(store):
    order = await advanced(store, await accepted(store), S.ROUTING)
    built = step(order, S.BUILDING, tx_signature="sig", venue="raydium", min_amount_out=9)
    moved = await move(store, built)
    assert moved is not None

    again = await move(store, step(moved.order, S.ROUTING, attempt=2, failure=FAILURE))

    assert again is not None
    assert (again.order.tx_signature, again.order.venue, again.order.attempts) == (None, None, 2)
    assert (again.order.min_amount_out, again.order.failure) == (9, FAILURE)


async def test_the_floor_is_never_lowered(store):
    order = await advanced(store, await accepted(store, min_amount_out=100), S.ROUTING)

    moved = await move(store, step(order, S.BUILDING, min_amount_out=99))

    assert moved is not None
    assert moved.order.min_amount_out == 100


async def test_of_many_that_make_the_same_step_one_succeeds(store, database, hot):
    order = await accepted(store)
    stores = [OrderStore(database, hot) for _ in range(20)]

    moved = await asyncio.gather(*(move(s, step(order, S.ROUTING)) for s in stores))

    assert sum(m is not None for m in moved) == 1
    assert await gapless(database)


async def test_the_same_step_twice_in_one_statement_is_made_once(store, database):
    order = await accepted(store)

    moved = await store.advance_all([step(order, S.ROUTING), step(order, S.ROUTING)])

    assert sum(m is not None for m in moved) == 1
    assert await gapless(database)


async def test_a_stale_sequence_moves_nothing_even_in_the_same_status(store):
    order = await advanced(store, await accepted(store), S.ROUTING)
    await advanced(store, order, S.ROUTING)

    assert await move(store, step(order, S.BUILDING)) is None


async def test_an_illegal_step_is_a_bug_and_is_raised(store):
    order = await accepted(store)

    with pytest.raises(IllegalStep):
        await move(store, step(order, S.CONFIRMED))


def legal_path(status: OrderStatus) -> list[OrderStatus]:
    """The shortest legal way from PENDING to a status."""
    paths = {S.PENDING: []}
    while status not in paths:
        for at, path in list(paths.items()):
            for following in NEXT[at]:
                paths.setdefault(following, [*path, following])
    return paths[status]


@pytest.mark.parametrize("current", list(S))
async def test_direct_sql_cannot_take_an_illegal_step(store, database, current):
    order = await advanced(store, await accepted(store), *legal_path(current))

    for wanted in set(S) - NEXT[current]:
        async with database.connect() as connection:
            with pytest.raises(DBAPIError, match=r"may not go|is final"):
                await connection.execute(
                    text("UPDATE orders SET status = :s, sequence = sequence + 1 WHERE id = :id"),
                    {"s": wanted, "id": order.id},
                )
    assert await gapless(database)


@pytest.mark.parametrize("status", sorted(TERMINAL))
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET amount_out = 1 WHERE id = :id",
        "UPDATE orders SET lease_until = now() WHERE id = :id",
        "UPDATE orders SET status = 'PENDING' WHERE id = :id",
        "DELETE FROM orders WHERE id = :id",
    ],
)
async def test_direct_sql_cannot_change_an_ended_order(store, database, status, statement):
    order = await advanced(store, await accepted(store), *legal_path(status))

    async with database.connect() as connection:
        with pytest.raises(DBAPIError, match="is final"):
            await connection.execute(text(statement), {"id": order.id})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_events SET attempt = 9",
        "DELETE FROM order_events",
        "DELETE FROM orders",
        "UPDATE orders SET sequence = sequence + 2, status = 'ROUTING'",
        "UPDATE orders SET sequence = sequence + 1",
    ],
)
async def test_direct_sql_cannot_rewrite_history(store, database, statement):
    await accepted(store)

    async with database.connect() as connection:
        with pytest.raises(DBAPIError, match=r"history|deleted|may not go|is final"):
            await connection.execute(text(statement))
    assert await gapless(database)


async def test_events_of_many_orders_are_read_from_each_ones_place(store):
    first = await advanced(store, await accepted(store), S.ROUTING, S.BUILDING)
    second = await advanced(store, await accepted(store), S.ROUTING)

    events = await store.events_after({first.id: 1, second.id: 2})

    assert [(e.order_id, e.sequence) for e in events] == [(first.id, 2), (first.id, 3)]


async def test_many_orders_are_moved_in_one_statement_answers_in_order(store):
    orders = [await accepted(store) for _ in range(30)]
    steps = [step(order, S.ROUTING) for order in orders]
    steps.insert(7, step(orders[3], S.FAILED, sequence=99))

    moved = await store.advance_all(steps)

    assert moved[7] is None
    ids = [m.order.id for m in moved if m is not None]
    assert ids == [order.id for order in orders]


async def test_a_lease_is_held_by_one_message_and_again_by_the_same(store):
    order = await advanced(store, await accepted(store), S.ROUTING)

    mine = await store.claim(order, holder="mine", lease_ms=LEASE_MS)
    yours = await store.claim(order, holder="yours", lease_ms=LEASE_MS)
    mine_again = await store.claim(order, holder="mine", lease_ms=LEASE_MS)

    assert (mine is not None, yours, mine_again is not None) == (True, None, True)


async def test_an_overdue_step_is_not_even_its_holders(store):
    order = await advanced(store, await accepted(store), S.ROUTING)
    assert await store.claim(order, holder="mine", lease_ms=0) is not None

    assert await store.claim(order, holder="mine", lease_ms=LEASE_MS) is None


async def test_sending_again_is_for_one_at_a_time_and_not_for_ever(store):
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


async def test_only_overdue_orders_in_progress_are_swept(store):
    fresh = await accepted(store)
    late, _ = await accept(store, new_order(), lease_ms=0)
    moved = await move(store, step((await accepted(store)), S.ROUTING, lease_ms=0))
    assert moved is not None
    sent = await advanced(store, await accepted(store), S.ROUTING, S.BUILDING, S.SUBMITTED)

    overdue = {order.id for order in await store.overdue(most=10)}

    assert overdue == {late.id, moved.order.id}
    assert not overdue & {fresh.id, sent.id}


async def test_freeing_counts_a_lost_worker_but_not_a_lost_message(store):
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


async def test_a_lease_renewed_meanwhile_is_not_freed(store):
    order = await accepted(store)

    assert await store.free([order.id], lease_ms=LEASE_MS) == []


async def test_submitted_orders_come_in_pages(store):
    path = (S.ROUTING, S.BUILDING, S.SUBMITTED)
    orders = [await advanced(store, await accepted(store), *path) for _ in range(5)]

    first = await store.submitted(after=None, most=3)
    second = await store.submitted(after=first[-1], most=3)

    assert [o.id for o in first + second] == [o.id for o in orders]


async def test_only_orders_that_owe_a_step_count_as_in_progress(store):
    for path in [(), (S.ROUTING,), (S.ROUTING, S.BUILDING), (S.FAILED,)]:
        await advanced(store, await accepted(store), *path)

    assert await store.in_progress() == 3
