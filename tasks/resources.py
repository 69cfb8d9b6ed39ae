"""What the actors of one worker process share, open for the worker's lifetime."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from dramatiq import Broker, Worker
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import Middleware
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.venues.venue import Venue
from models.database import open_database, share_losses
from models.devnet.candles import CandleStore
from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import SlotRunner
from models.orders.store import OrderStore
from models.orders.waiting import WaitingOrders
from wiring.plugins import VenueContext, load_venues
from wiring.sender import Sender
from wiring.settings import Settings
from wiring.updates import Updates, open_updates

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resources:
    """The stores, the venues, and the ways to tell others."""

    settings: Settings
    database: AsyncEngine
    orders: OrderStore
    waiting: WaitingOrders
    candles: CandleStore
    ledger: PostgresLedger
    pools: PoolStore
    slots: SlotRunner
    venues: Sequence[Venue]
    updates: Updates
    sender: Sender

    def venue(self, id: str | None) -> Venue:
        """Return the venue of this id; KeyError where it is not plugged in any more."""
        return {venue.id: venue for venue in self.venues}[id or ""]


@asynccontextmanager
async def open_resources(settings: Settings, broker: Broker) -> AsyncIterator[Resources]:
    """Open everything an actor needs; connections are made when first used."""
    async with (
        open_database(
            settings.require_database_url, pool_size=settings.database_pool_size
        ) as database,
        open_database(
            settings.require_database_url, pool_size=settings.placing_pool_size
        ) as placing,
        open_updates(settings.require_redis_url) as updates,
    ):
        share_losses(database, placing)
        pools = PoolStore(placing, slot_ms=settings.slot_ms)
        ledger = PostgresLedger(
            database,
            pools,
            seed=settings.devnet_seed,
            slot_ms=settings.slot_ms,
            landing_slots_max=settings.landing_slots_max,
            confirmation_slots=settings.confirmation_slots,
        )
        yield Resources(
            settings=settings,
            database=database,
            orders=OrderStore(database, placing=placing),
            waiting=WaitingOrders(database),
            candles=CandleStore(database),
            ledger=ledger,
            pools=pools,
            slots=SlotRunner(database, settings.rules, slot_ms=settings.slot_ms),
            venues=load_venues(VenueContext(settings, ledger)),
            updates=updates,
            sender=Sender(broker),
        )


class OpenResources(Middleware):
    """Open the Resources on the worker's event loop before it takes messages, close them after.

    One pool and one pub/sub connection per process, shared by all its actors.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: AbstractAsyncContextManager[Resources] | None = None
        self._resources: Resources | None = None

    @property
    def resources(self) -> Resources:
        assert self._resources is not None, "actors run inside a worker"
        return self._resources

    def use(self, resources: Resources) -> None:
        """Run actors with these resources, outside of a worker."""
        self._resources = resources

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        self._open = open_resources(self._settings, broker)
        self._resources = _on_loop(self._open.__aenter__())

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        if self._open is not None:
            _on_loop(self._open.__aexit__(None, None, None))


def _on_loop(coroutine: Awaitable[T]) -> T:
    loop = get_event_loop_thread()
    assert loop is not None, "OpenResources comes after AsyncIO"
    return loop.run_coroutine(coroutine)


def current_resources(broker: Broker) -> Resources:
    """Return the resources of the worker this actor runs in."""
    return next(m for m in broker.middleware if isinstance(m, OpenResources)).resources
