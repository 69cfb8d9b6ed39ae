"""How processes tell each other that an order or a pool moved: the only module with channels.

An update is a hint that carries the event itself. It may be lost, doubled or late; whoever needs
the truth reads Postgres.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from broadcaster import Broadcast
from pydantic import BaseModel, ValidationError

from engine.orders.event import OrderEvent
from wiring.redis_broadcast import MAY_HAVE_MISSED, RedisBroadcast

_ORDERS = "order-events"
_POOLS = "pool-changes"
_BETWEEN = "\n"  # JSON on one line has none
_ORDER_ID = slice(len('{"order_id":"'), len('{"order_id":"') + 36)


class Hint:
    """An event as it was told: whose it is can be seen without reading it."""

    __slots__ = ("_told",)

    def __init__(self, told: str) -> None:
        self._told = told

    @property
    def order_id(self) -> str:
        """The id of its order, as text: an event's JSON begins with it."""
        return self._told[_ORDER_ID]

    def read(self) -> OrderEvent | None:
        """Return the event; None for what is none, such as one of a newer version than ours."""
        try:
            return OrderEvent.model_validate_json(self._told)
        except ValidationError:
            return None


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

    async def publish(self, told: Iterable[str]) -> None:
        """Tell everybody of committed events, given as JSON. Never waits for Redis or fails."""
        if hint := _BETWEEN.join(told):
            await self._broadcast.publish(_ORDERS, hint)

    async def receive(self) -> AsyncIterator[Sequence[Hint] | None]:
        """Yield what is told, as it is told; None means that some may have been missed."""
        async with self._broadcast.subscribe(_ORDERS) as subscriber:
            while True:
                hint = await subscriber.get()
                if hint.message == MAY_HAVE_MISSED:
                    yield None
                else:
                    yield [Hint(told) for told in hint.message.split(_BETWEEN)]

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
