"""What resolvers reach for: the process's services and the request's own loader."""

from dataclasses import dataclass, field, fields
from typing import Any, Self
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from api.announcing import Announcer
from api.capacity import Capacity
from api.streams.hub import Hub
from api.streams.pool_feed import PoolFeed
from engine.orders.admission import Admission
from engine.orders.event import OrderEvent
from engine.tokens import TokenList
from models.orders.tables import Order
from wiring.resources import Resources

ACCOUNT = "local"
"""The account everybody is on a devnet without sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(Resources):
    """The process's resources, and what only an api has beside them."""

    hub: Hub
    pool_feed: PoolFeed
    capacity: Capacity
    announcer: Announcer
    admission: Admission

    @classmethod
    def around(cls, resources: Resources, **own: Any) -> Self:
        """Return the resources with an api's own beside them."""
        return cls(**{f.name: getattr(resources, f.name) for f in fields(resources)}, **own)


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

    def tokens_of(self, order: Order) -> TokenList:
        """Return the tokens an order may name: its own, and those this process knows."""
        return self.services.pools.known.with_launched(order.launched_tokens or ())

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
