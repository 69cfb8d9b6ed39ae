"""How processes tell each other that an order or a pool moved: the only module with channels.

An update is a hint that carries the event itself. It may be lost, doubled or late; whoever needs
the truth reads Postgres.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from broadcaster import Broadcast
from pydantic import BaseModel

from engine.orders.event import OrderEvent
from wiring.redis_broadcast import MAY_HAVE_MISSED, RedisBroadcast

_ORDERS = "order-events"
_POOLS = "pool-changes"


class PoolsChanged(BaseModel):
    """The pools whose quotes are not what they were before `slot`."""

    slot: int
    pools: frozenset[str]


class Updates:
    """Publishes and receives the events of all orders, and which pools changed."""

    def __init__(self, backend: RedisBroadcast) -> None:
        self._backend = backend
        self._broadcast = Broadcast(backend=backend)

    @property
    def listening(self) -> bool:
        """Whether hints would arrive now."""
        return self._backend.listening

    async def publish(self, events: Iterable[OrderEvent]) -> None:
        """Tell everybody of committed events. Never waits for Redis and never fails."""
        for event in events:
            await self._broadcast.publish(_ORDERS, event.model_dump_json(exclude_defaults=True))

    async def receive(self) -> AsyncIterator[OrderEvent | None]:
        """Yield events as they are told; None means that some may have been missed."""
        async with self._broadcast.subscribe(_ORDERS) as subscriber:
            while True:
                hint = await subscriber.get()
                if hint.message == MAY_HAVE_MISSED:
                    yield None
                else:
                    yield OrderEvent.model_validate_json(hint.message)

    async def publish_pools(self, slot: int, pools: Sequence[str]) -> None:
        """Tell everybody which pools a slot changed. Never waits for Redis and never fails."""
        if pools:
            message = PoolsChanged(slot=slot, pools=frozenset(pools)).model_dump_json()
            await self._broadcast.publish(_POOLS, message)

    async def receive_pools(self) -> AsyncIterator[PoolsChanged | None]:
        """Yield which pools changed, slot by slot; None means that some may have been missed."""
        async with self._broadcast.subscribe(_POOLS) as subscriber:
            while True:
                hint = await subscriber.get()
                if hint.message == MAY_HAVE_MISSED:
                    yield None
                else:
                    yield PoolsChanged.model_validate_json(hint.message)


@asynccontextmanager
async def open_updates(redis_url: str) -> AsyncIterator[Updates]:
    """Open the process's connection to the other processes; Redis need not be there yet."""
    updates = Updates(RedisBroadcast(redis_url))
    async with updates._broadcast:
        yield updates
