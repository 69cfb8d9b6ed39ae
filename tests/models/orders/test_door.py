"""The door under whatever comes at once: some order of the commands must explain what came of it.

Hypothesis draws commands, a few at a time; each few run concurrently from several stores, as
separate processes would. Then there must be an order in which a plain model, doing them one by one,
gives the same answers and the same rows.
"""

import asyncio
from itertools import pairwise
from typing import Any, cast
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

from engine.orders.status import NEXT, TERMINAL, OrderStatus
from models.database import open_database
from models.hot import HotPool, open_hot_pool
from models.orders.store import OrderStore
from tests.factories import LEASE_MS, accept, new_order
from tests.models.orders.commands import (
    Command,
    Row,
    advance,
    claim,
    claim_resend,
    explained,
    free,
    lapse,
    sender_lived,
)

S = OrderStatus
HOLDERS = ("first", "second")
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
def test_some_order_of_the_commands_explains_what_comes_of_them(database_url: str) -> None:
    with asyncio.Runner() as runner:
        opened = open_database(database_url, pool_size=8)
        database = runner.run(opened.__aenter__())
        hot_opened = open_hot_pool(database_url, size=8)
        hot = runner.run(hot_opened.__aenter__())
        try:
            run_state_machine_as_test(
                cast(Any, lambda: Door(runner, database, hot)),
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
