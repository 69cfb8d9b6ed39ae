"""The door under whatever comes at once: some order of the commands must explain what came of it.

Hypothesis draws commands, a few at a time; each few run concurrently from several stores, as
separate processes would. Then there must be an order in which a plain model, doing them one by one,
gives the same answers and the same rows.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.orders.status import IN_PROGRESS, NEXT, TERMINAL, IllegalStep, OrderStatus
from models.database import open_database
from models.hot import HotPool, open_hot_pool
from models.orders.step import Step
from models.orders.store import OrderStore
from tests.factories import LEASE_MS, accept, move, new_order

S = OrderStatus
MOST_LOST = 3
HOLDERS = ("first", "second")


@dataclass(frozen=True, slots=True)
class Row:
    """What the model knows of an order."""

    status: OrderStatus = S.PENDING
    sequence: int = 1
    holder: str | None = None
    lapsed: bool = False
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One call of the door: how the model does it, and how the store."""

    name: str
    model: Callable[[Row], tuple[Any, Row]]
    store: Callable[[OrderStore, AsyncEngine, UUID], Any]


def advance(seen: Row, wanted: OrderStatus, holder: str | None, lease_ms: int) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        if wanted not in NEXT[seen.status]:
            return "illegal", row
        if (row.status, row.sequence) != (seen.status, seen.sequence):
            return None, row
        moved = Row(wanted, row.sequence + 1, holder, lapsed=lease_ms == 0)
        return (wanted, row.sequence + 1), moved

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        step = Step(
            order_id=id,
            sequence=seen.sequence,
            previous=seen.status,
            status=wanted,
            attempt=1,
            lease_holder=holder,
            lease_ms=lease_ms,
        )
        try:
            moved = await move(orders, step)
        except IllegalStep:
            return "illegal"
        return moved and (moved.order.status, moved.order.sequence)

    return Command(f"{seen.status}({seen.sequence}) to {wanted}", model, store)


def claim(seen: Row, holder: str) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        may = row.holder in (None, holder) and not row.lapsed
        if row.sequence != seen.sequence or not may:
            return False, row
        return True, replace(row, holder=holder, lapsed=False)

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        order = _order(id, seen)
        return await orders.claim(order, holder=holder, lease_ms=LEASE_MS) is not None

    return Command(f"claim {seen.sequence} for {holder}", model, store)


def free() -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        if not row.lapsed or row.status not in IN_PROGRESS:
            return False, row
        lost = row.lost + (row.holder is not None)
        return True, replace(row, holder=None, lapsed=False, lost=lost)

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        return await orders.free([id], lease_ms=LEASE_MS) == [id]

    return Command("free", model, store)


def claim_resend(seen: Row, holder: str) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        held = row.status is not S.SUBMITTED or row.sequence != seen.sequence or not row.lapsed
        if held or row.lost >= MOST_LOST:
            return False, row
        return True, replace(row, holder=holder, lapsed=False, lost=row.lost + 1)

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        sent = await orders.claim_resend(
            _order(id, seen), holder=holder, lease_ms=LEASE_MS, most_lost=MOST_LOST
        )
        return sent is not None

    return Command(f"claim {seen.sequence} to send again for {holder}", model, store)


def sender_lived(seen: Row, holder: str) -> Command:
    def model(row: Row) -> tuple[Any, Row]:
        if (row.status, row.sequence, row.holder) != (S.SUBMITTED, seen.sequence, holder):
            return None, row
        return None, replace(row, lapsed=True, lost=max(row.lost - 1, 0))

    async def store(orders: OrderStore, _: AsyncEngine, id: UUID) -> Any:
        await orders.sender_lived(_order(id, seen), holder=holder, lease_ms=0)

    return Command(f"{holder} lived to tell of {seen.sequence}", model, store)


def lapse() -> Command:
    """Time passes: no call of the door, but it may come between any two."""

    def model(row: Row) -> tuple[Any, Row]:
        return None, row if row.status in TERMINAL else replace(row, lapsed=True)

    async def store(_: OrderStore, database: AsyncEngine, id: UUID) -> Any:
        async with database.connect() as connection:
            await connection.execute(
                text(
                    "UPDATE orders SET lease_until = now() - interval '1 s' "
                    "WHERE id = :id AND completed_at IS NULL"
                ),
                {"id": id},
            )

    return Command("lapse", model, store)


def _order(id: UUID, seen: Row) -> Any:
    from models.orders.tables import Order

    return Order(id=id, sequence=seen.sequence, status=seen.status)


def explained(row: Row, commands: Sequence[Command], answers: Sequence[Any], after: Row) -> bool:
    """Whether the commands, one by one in some order, give these answers and this row."""
    for places in permutations(range(len(commands))):
        current, given = row, {}
        for place in places:
            given[place], current = commands[place].model(current)
        if current == after and [given[n] for n in range(len(commands))] == list(answers):
            return True
    return False


KINDS = st.sampled_from(
    ("advance", "advance", "advance", "claim", "free", "resend", "sender lived", "lapse")
)
DRAWN = st.lists(
    st.tuples(
        KINDS,
        st.integers(0, 1),  # 0: as it stands, 1: as it stood a step ago
        st.integers(0, 9),
        st.sampled_from(HOLDERS),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


class Door(RuleBasedStateMachine):
    """Orders, each with the rows the model has seen it have."""

    ids = Bundle("ids")

    def __init__(self, runner: asyncio.Runner, database: AsyncEngine, hot: HotPool) -> None:
        super().__init__()
        self._run = runner.run
        self._database = database
        self._stores = [OrderStore(database, hot) for _ in range(4)]
        self._seen: dict[UUID, list[Row]] = {}

    @initialize(target=ids, doubles=st.integers(1, 4))
    def accept(self, doubles: int) -> UUID:
        """Several processes are asked for the same order at once: one of them makes it."""
        new = [new_order() for _ in range(doubles)]
        asked = [n.model_copy(update={"client_order_id": str(new[0].id)}) for n in new]

        async def at_once() -> list[Any]:
            return await asyncio.gather(
                *(
                    accept(store, one, lease_ms=LEASE_MS)
                    for store, one in zip(self._stores, asked, strict=False)
                )
            )

        answers = self._run(at_once())
        assert [is_new for _, is_new in answers].count(True) == 1
        (id,) = {order.id for order, _ in answers}
        self._seen[id] = [Row()]
        return id

    @rule(id=ids, drawn=DRAWN)
    def at_once(self, id: UUID, drawn: list[tuple[str, int, int, str, bool]]) -> None:
        row = self._seen[id][-1]
        commands = [self._command(id, *one) for one in drawn]

        async def run() -> list[Any]:
            return await asyncio.gather(
                *(
                    command.store(store, self._database, id)
                    for store, command in zip(self._stores, commands, strict=False)
                )
            )

        answers = self._run(run())
        after = self._run(self._stored(id))

        names = [command.name for command in commands]
        assert explained(row, commands, answers, after), (row, names, answers, after)
        self._seen[id].append(after)

    @invariant()
    def events_are_gapless_and_the_row_is_the_last(self) -> None:
        for id, rows in self._seen.items():
            events = self._run(self._stores[0].events_after({id: 0}))
            assert [event.sequence for event in events] == list(range(1, rows[-1].sequence + 1))
            assert events[-1].status is rows[-1].status
            for event, following in pairwise(events):
                assert following.previous_status is event.status
                assert following.status in NEXT[event.status]

    def _command(
        self, id: UUID, kind: str, ago: int, pick: int, holder: str, held: bool
    ) -> Command:
        rows = self._seen[id]
        steps = [row for n, row in enumerate(rows) if n == 0 or rows[n - 1].sequence < row.sequence]
        seen = steps[max(len(steps) - 1 - ago, 0)]
        if seen.status in TERMINAL and kind == "claim":
            kind = "free"  # nobody claims a step of what he saw ended
        likely = [*sorted(NEXT[seen.status])[:9], *S]
        return {
            "advance": lambda: advance(
                seen, likely[pick % len(likely)], holder if held else None, LEASE_MS * held
            ),
            "claim": lambda: claim(seen, holder),
            "free": free,
            "resend": lambda: claim_resend(seen, holder),
            "sender lived": lambda: sender_lived(seen, holder),
            "lapse": lapse,
        }[kind]()

    async def _stored(self, id: UUID) -> Row:
        async with self._database.connect() as connection:
            found = await connection.execute(
                text(
                    "SELECT status, sequence, lease_holder, lease_until <= now() AS lapsed, "
                    "leases_lost FROM orders WHERE id = :id"
                ),
                {"id": id},
            )
            row = found.one()
        return Row(S(row.status), row.sequence, row.lease_holder, row.lapsed, row.leases_lost)


@pytest.mark.timeout(180)
def test_some_order_of_the_commands_explains_what_comes_of_them(database_url):
    with asyncio.Runner() as runner:
        opened = open_database(database_url, pool_size=8)
        database = runner.run(opened.__aenter__())
        hot_opened = open_hot_pool(database_url, size=8)
        hot = runner.run(hot_opened.__aenter__())
        try:
            run_state_machine_as_test(
                lambda: Door(runner, database, hot),
                settings=settings(
                    max_examples=40,
                    stateful_step_count=15,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    database=None,
                ),
            )
        finally:
            runner.run(hot_opened.__aexit__(None, None, None))
            runner.run(opened.__aexit__(None, None, None))
