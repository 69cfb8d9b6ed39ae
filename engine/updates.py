"""How processes tell each other that an order moved: the only module that names a channel.

An update is a hint that carries the event itself. It may be lost, doubled or late; whoever needs
the truth reads Postgres.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from broadcaster import Broadcast

from engine.order_event import OrderEvent
from engine.redis_broadcast import MAY_HAVE_MISSED, RedisBroadcast

_CHANNEL = "order-events"


class Updates:
    """Publishes and receives the events of all orders over one channel."""

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
            await self._broadcast.publish(_CHANNEL, event.model_dump_json(exclude_defaults=True))

    async def receive(self) -> AsyncIterator[OrderEvent | None]:
        """Yield events as they are told; None means that some may have been missed."""
        async with self._broadcast.subscribe(_CHANNEL) as subscriber:
            while True:
                hint = await subscriber.get()
                if hint.message == MAY_HAVE_MISSED:
                    yield None
                else:
                    yield OrderEvent.model_validate_json(hint.message)


@asynccontextmanager
async def open_updates(redis_url: str) -> AsyncIterator[Updates]:
    """Open the process's connection to the other processes; Redis need not be there yet."""
    updates = Updates(RedisBroadcast(redis_url))
    async with updates._broadcast:
        yield updates
