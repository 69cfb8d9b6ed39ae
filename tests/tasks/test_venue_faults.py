"""What one venue does wrong touches the orders of that venue only."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Never, cast

import pytest

from engine.errors import EngineError, ErrorCode
from engine.orders.status import OrderStatus
from engine.swaps.transaction import StatusReport, TransactionState, TransactionStatus
from engine.venues.guarded import GuardedVenue
from tasks.attempts import may_retry
from tasks.confirm_orders import confirm_orders
from tasks.resend_orders import resend_orders
from tests.factories import accepted
from tests.tasks.conftest import Wired, middleware
from tests.tasks.steps import call, expire_leases, landed, route, route_until_it_ends, statuses
from tests.venues import ScriptedVenue

S = OrderStatus
C = ErrorCode
FAULTS = pytest.mark.parametrize(
    ("fault", "code"),
    [
        (OSError("no route to host"), C.VENUE_UNAVAILABLE),
        (TimeoutError(), C.VENUE_TIMEOUT),
        (ZeroDivisionError(), C.VENUE_UNAVAILABLE),
        (None, C.VENUE_TIMEOUT),
    ],
    ids=["OSError", "TimeoutError", "bug", "hang"],
)


class Faulty(ScriptedVenue):
    """Raises `fault` in the one method named, or hangs there for None."""

    def __init__(
        self, method: str, fault: Exception | None, id: str = "faulty", **given: Any
    ) -> None:
        super().__init__(id, **given)
        self.fault = fault
        setattr(self, method, self.go_wrong)

    async def go_wrong(self, *about: Any, **more: Any) -> Never:
        if self.fault is None:
            await asyncio.Event().wait()
        raise self.fault


@pytest.fixture
def with_guarded(resources: Wired) -> Callable[..., Wired]:
    """Put venues where the plugged-in ones are, behind the guard as those are."""

    def with_guarded(*venues: ScriptedVenue, **changes: Any) -> Wired:
        for venue in venues:
            venue.ledger = venue.ledger or resources.ledger
        behind = [
            GuardedVenue(venue, on_fault=lambda *what: None, answer_seconds=0.2) for venue in venues
        ]
        settings = resources.settings.model_copy(update={"quote_timeout_ms": 200} | changes)
        changed = dataclasses.replace(resources, venues=behind, settings=settings)
        middleware().use(changed)
        return changed

    return with_guarded


@FAULTS
async def test_a_venue_that_cannot_quote_leaves_the_order_to_the_other(
    resources: Wired, with_guarded: Callable[..., Wired], fault: Exception | None, code: ErrorCode
) -> None:
    with_guarded(Faulty("quote", fault), ScriptedVenue("steady"))
    order = await accepted(resources.orders)

    await route(order)

    building = (await resources.orders.events_after({order.id: 2}))[0]
    assert (building.status, building.venue) == (S.BUILDING, "steady")
    assert [(q.failure.code, q.failure.venue) for q in building.quotes if q.failure] == [
        (code, "faulty")
    ]


@pytest.mark.parametrize("method", ["quote", "build"])
@FAULTS
async def test_alone_its_failures_are_counted_and_end_its_order(
    resources: Wired,
    with_guarded: Callable[..., Wired],
    method: str,
    fault: Exception | None,
    code: ErrorCode,
) -> None:
    with_guarded(Faulty(method, fault))
    order = await accepted(resources.orders)

    assert await route_until_it_ends(order) == 3

    assert await statuses(resources, order) == [
        (S.PENDING, 0, None),
        (S.ROUTING, 1, None),
        (S.ROUTING, 2, code),
        (S.ROUTING, 3, code),
        (S.FAILED, 3, code),
    ]


@FAULTS
async def test_a_venue_that_cannot_build_loses_the_next_attempt_to_the_other(
    resources: Wired, with_guarded: Callable[..., Wired], fault: Exception | None, code: ErrorCode
) -> None:
    with_guarded(Faulty("build", fault, amount_out=2_000_000), ScriptedVenue("steady"))
    order = await accepted(resources.orders)

    assert await route_until_it_ends(order) == 2

    assert (await statuses(resources, order))[2:] == [
        (S.ROUTING, 2, code),
        (S.BUILDING, 2, None),
        (S.SUBMITTED, 2, None),
    ]
    routed = await resources.orders.get(order.id)
    assert routed is not None
    assert routed.venue == "steady"


@FAULTS
async def test_bytes_it_may_have_taken_are_sent_again_as_they_are(
    resources: Wired,
    with_guarded: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
    fault: Exception | None,
    code: ErrorCode,
) -> None:
    venue = Faulty("submit", fault)
    with_guarded(venue)
    order = await accepted(resources.orders)
    await route(order)
    assert (await statuses(resources, order))[-1] == (S.SUBMITTED, 1, None)

    setattr(venue, "submit", ScriptedVenue.submit.__get__(venue))  # noqa: B010 - mypy
    await expire_leases(resources)
    await call(resend_orders, [str(order.id)])
    await pass_slots(10)
    await call(confirm_orders)

    assert (await statuses(resources, order))[-1] == (S.CONFIRMED, 1, None)
    assert await landed(resources) == [str(order.id)]


class Nonsense(ScriptedVenue):
    """Settles its orders, and tells nonsense of them."""

    tells: Callable[[StatusReport], Any]

    async def statuses(self, signatures: Sequence[str]) -> StatusReport:
        return self.tells(await super().statuses(signatures))


CONFIRMED = TransactionState.CONFIRMED


@pytest.mark.parametrize(
    "tells",
    [
        lambda told: None,
        lambda told: StatusReport(cast(Any, "soon"), told.statuses),
        lambda told: StatusReport(told.slot, cast(Any, list(told.statuses))),
        lambda told: StatusReport(
            told.slot, dict.fromkeys(told.statuses, TransactionStatus(CONFIRMED))
        ),
        lambda told: StatusReport(
            told.slot,
            dict.fromkeys(told.statuses, TransactionStatus(CONFIRMED, amount_out=cast(Any, "1"))),
        ),
        lambda told: StatusReport(told.slot, dict.fromkeys(told.statuses, cast(Any, "CONFIRMED"))),
    ],
    ids=["nothing", "no slot", "a list", "no amount", "a text", "texts"],
)
async def test_nonsense_of_one_venue_leaves_the_others_orders_confirmed(
    resources: Wired,
    with_guarded: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
    tells: Callable[[StatusReport], Any],
) -> None:
    odd = Nonsense("odd")
    odd.tells = tells
    with_guarded(odd, ScriptedVenue("even"))
    open_, done = [await accepted(resources.orders, venues=(id,)) for id in ("odd", "even")]
    await asyncio.gather(route(open_), route(done))
    await pass_slots(10)

    await call(confirm_orders)

    assert (await statuses(resources, done))[-1][0] is S.CONFIRMED
    assert (await statuses(resources, open_))[-1] == (S.SUBMITTED, 1, None)
    odd.tells = lambda told: told  # and when it makes sense again, its orders end too
    await call(confirm_orders)
    assert (await statuses(resources, open_))[-1] == (S.CONFIRMED, 1, None)


async def test_nonsense_of_an_order_that_may_have_landed_never_sends_it_twice(
    resources: Wired,
    with_guarded: Callable[..., Wired],
    pass_slots: Callable[[int], Awaitable[None]],
) -> None:
    odd = Nonsense("odd")
    odd.tells = lambda told: StatusReport(10**9, dict.fromkeys(told.statuses, None))
    with_guarded(odd)
    order = await accepted(resources.orders)
    await route(order)
    await pass_slots(200)  # past its last valid slot

    await call(confirm_orders)

    assert (await statuses(resources, order))[-1] == (S.SUBMITTED, 1, None)
    assert odd.built == 1


def test_a_venues_failure_is_no_outage_of_ours() -> None:
    error = EngineError(C.VENUE_UNAVAILABLE, "It failed: OSError.", venue="faulty")
    error.__cause__ = OSError()

    assert not may_retry(0, error)
