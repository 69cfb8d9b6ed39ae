"""Resources of a worker on the test's own database, with venues the test scripts."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pytest
from dramatiq import Message

from tasks.broker import broker
from tasks.open_resources import OpenResources
from tests.venues import ScriptedVenue
from wiring.resources import Resources, open_resources
from wiring.sender import Sender
from wiring.settings import Settings, get_settings

if TYPE_CHECKING:
    from tests.tasks.devnet import Devnet


def middleware() -> OpenResources:
    return next(m for m in broker.middleware if isinstance(m, OpenResources))


class Outbox(Sender):
    """Stands where the Sender does and keeps what was sent: nothing else picks it up."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[Any, ...], int | None]] = []

    def send(self, message: Message[Any], *, delay_ms: int | None = None) -> None:
        self.sent.append((message.actor_name, tuple(message.args), delay_ms))


@dataclasses.dataclass(frozen=True, slots=True)
class Wired(Resources):
    """Everything a process works with, and an outbox to look into."""

    sender: Outbox


def wired(opened: Resources) -> Wired:
    given = {field.name: getattr(opened, field.name) for field in dataclasses.fields(opened)}
    return Wired(**given | {"sender": Outbox()})


@pytest.fixture
def settings(database_url: str) -> Settings:
    return get_settings().model_copy(
        update={
            "database_url": database_url,
            "quote_latency_ms": 0,
            "market_moves": False,
            "quote_timeout_ms": 2_000,
            "slot_ms": 3_600_000,
            "retry_min_backoff_ms": 20,
            "retry_max_backoff_ms": 100,
        }
    )


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Wired]:
    """Everything an actor needs; `with_venues` swaps the venues."""
    async with open_resources(settings, broker) as opened:
        mine = wired(opened)
        middleware().use(mine)
        yield mine


@pytest.fixture
def with_venues(resources: Wired) -> Callable[..., Wired]:
    def with_venues(*venues: ScriptedVenue) -> Wired:
        for venue in venues:
            venue.ledger = venue.ledger or resources.ledger
        changed = dataclasses.replace(resources, venues=_all(venues))
        middleware().use(changed)
        return changed

    return with_venues


def _all(venues: Sequence[ScriptedVenue]) -> list[ScriptedVenue]:
    return list(venues)


@pytest.fixture
def pass_slots(resources: Wired) -> Callable[[int], Awaitable[None]]:
    """Let slots pass and run them, the way the clock would."""
    from sqlalchemy import text

    async def pass_slots(count: int) -> None:
        slot_ms = resources.settings.slot_ms
        async with resources.database.connect() as connection:
            await connection.execute(
                text("UPDATE devnet SET slot_began_at = slot_began_at - :ms * interval '1 ms'"),
                {"ms": count * slot_ms},
            )
        assert await resources.slots.run() is not None

    return pass_slots


@pytest.fixture
def devnet(settings: Settings) -> Callable[..., AbstractAsyncContextManager["Devnet"]]:
    """Open a devnet moved by hand, with settings of the test's."""
    from tests.tasks.devnet import devnet_on

    return lambda **changes: devnet_on(settings, **changes)
