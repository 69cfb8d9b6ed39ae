"""What a process works with: one bag for api and worker, open for as long as the process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dramatiq import Broker
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.venues.venue import Venue
from models.database import open_database
from models.devnet.candles import CandleStore
from models.devnet.ledger import PostgresLedger
from models.devnet.pools import PoolStore
from models.devnet.slots import SlotRunner
from models.hot import open_hot_pool
from models.orders.store import OrderStore
from models.orders.waiting import WaitingOrders
from wiring.order_door import OrderDoor
from wiring.plugins import VenueContext, load_venues
from wiring.sender import Sender
from wiring.settings import Settings
from wiring.updates import Updates, open_updates


@dataclass(frozen=True, slots=True)
class Resources:
    """The stores, the door through which orders change, the venues, and the ways to tell others."""

    settings: Settings
    database: AsyncEngine
    orders: OrderStore
    door: OrderDoor
    waiting: WaitingOrders
    candles: CandleStore
    ledger: PostgresLedger
    pools: PoolStore
    slots: SlotRunner
    venues: Sequence[Venue]
    updates: Updates
    sender: Sender

    def find_venue(self, id: str | None) -> Venue | None:
        """Return the venue of this id; None where it is not plugged in, or not any more."""
        return next((venue for venue in self.venues if venue.id == id), None)

    def venue(self, id: str | None) -> Venue:
        """Return the venue of this id; KeyError where it is not plugged in any more."""
        found = self.find_venue(id)
        if found is None:
            raise KeyError(id)
        return found


@asynccontextmanager
async def open_resources(settings: Settings, broker: Broker) -> AsyncIterator[Resources]:
    """Open everything; connections are made when first used, so the servers may come later."""
    async with (
        open_database(
            settings.require_database_url, pool_size=settings.database_pool_size
        ) as database,
        open_hot_pool(settings.require_database_url, size=settings.order_connections) as hot,
        open_updates(settings.require_redis_url) as updates,
    ):
        orders = OrderStore(database, hot)
        pools = PoolStore(database, hot, slot_ms=settings.slot_ms, most=settings.max_pools)
        ledger = PostgresLedger(
            hot,
            pools,
            seed=settings.devnet_seed,
            slot_ms=settings.slot_ms,
            landing_slots_max=settings.landing_slots_max,
            confirmation_slots=settings.confirmation_slots,
        )
        yield Resources(
            settings=settings,
            database=database,
            orders=orders,
            door=OrderDoor(orders, updates, lease_ms=settings.step_lease_ms),
            waiting=WaitingOrders(database),
            candles=CandleStore(database),
            ledger=ledger,
            pools=pools,
            slots=SlotRunner(database, settings.rules, slot_ms=settings.slot_ms),
            venues=load_venues(VenueContext(settings, ledger)),
            updates=updates,
            sender=Sender(broker),
        )
