"""What resolvers reach for: the process's services and the request's own loader."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from api.streams.hub import Hub
from api.streams.pool_feed import PoolFeed
from api.transport.health import Health
from engine.orders.event import OrderEvent
from engine.venues.ledger import Ledger
from engine.venues.venue import Venue
from models.devnet.candles import CandleStore
from models.devnet.pools import PoolStore
from models.orders.store import OrderStore
from models.orders.tables import Order
from wiring.sender import Sender
from wiring.settings import Settings
from wiring.updates import Updates

ACCOUNT = "local"
"""The account everybody is on a devnet without sign-in."""


@dataclass(slots=True)
class Services:
    """What one API process shares among its requests."""

    settings: Settings
    orders: OrderStore
    candles: CandleStore
    ledger: Ledger
    pools: PoolStore
    venues: Sequence[Venue]
    updates: Updates
    sender: Sender
    hub: Hub
    pool_feed: PoolFeed
    health: Health
    orders_in_progress: int = 0

    def venue(self, id: str) -> Venue | None:
        """Return a venue by its id, None where there is none."""
        return next((venue for venue in self.venues if venue.id == id), None)


@dataclass(slots=True)
class Context:
    """One request's, or one WebSocket connection's."""

    services: Services
    request_id: str
    connection_params: dict[str, Any] | None = None
    _orders: DataLoader[UUID, Order] | None = field(default=None)
    _events: DataLoader[UUID, list[OrderEvent]] | None = field(default=None)

    async def order(self, id: UUID) -> Order:
        """Return an order that exists, as it stands now; asked together, read together."""
        if self._orders is None:
            # Not cached: a stream outlives many states of its order.
            self._orders = DataLoader(self._load, cache=False)
        return await self._orders.load(id)

    async def events(self, order_id: UUID) -> list[OrderEvent]:
        """Return an order's events so far, first to last; asked together, read together."""
        if self._events is None:
            self._events = DataLoader(self._load_events, cache=False)
        return await self._events.load(order_id)

    async def _load(self, ids: list[UUID]) -> list[Order]:
        found = await self.services.orders.get_many(list(set(ids)))
        return [found[id] for id in ids]

    async def _load_events(self, ids: list[UUID]) -> list[list[OrderEvent]]:
        events: dict[UUID, list[OrderEvent]] = {id: [] for id in ids}
        for event in await self.services.orders.events_after(dict.fromkeys(events, 0)):
            events[event.order_id].append(event)
        return [events[id] for id in ids]


Info = strawberry.Info[Context, None]
