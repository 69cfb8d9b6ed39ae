"""A broadcaster backend on Redis that survives what the stock one does not.

The stock backend's listener ends silently on the first dropped connection, and its SUBSCRIBE is
never confirmed. Here a supervisor keeps one connection, subscribes it to all channels, waits for
the server's word, and after each new start says so with `MAY_HAVE_MISSED`, since Redis replays
nothing. Publishing is a hint: it never waits and never fails, and drops the oldest when Redis is
away for long.
"""

import asyncio
import contextlib
import time
from collections import deque
from contextlib import AsyncExitStack
from typing import Any

from broadcaster import BroadcastBackend, Event
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from wiring.logs import get_logger
from wiring.vital import vital

MAY_HAVE_MISSED = ""
"""The message subscribers get whenever hints may have been lost: read the truth again."""

_PING_AFTER_SECONDS = 2.0
_DEAD_AFTER_SECONDS = 6.0
_RECONNECT_SECONDS = 0.2
_MAX_UNSENT = 20_000
_MAX_PIPELINE = 500

log = get_logger(__name__)


class RedisBroadcast(BroadcastBackend):
    """Pub/sub over `url`; one connection for listening, one for publishing."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=_DEAD_AFTER_SECONDS, max_connections=8)
        self._channels: set[str] = set()
        self._confirmed = asyncio.Event()
        self._received: asyncio.Queue[Event] = asyncio.Queue()
        self._unsent: deque[tuple[str, str]] = deque(maxlen=_MAX_UNSENT)
        self._has_unsent = asyncio.Event()
        self._loops = AsyncExitStack()
        self._closed = False

    @property
    def listening(self) -> bool:
        """Whether the server has confirmed the subscriptions of the present connection."""
        return self._confirmed.is_set()

    async def connect(self) -> None:
        await self._loops.enter_async_context(vital(listen=self._listen(), send=self._send()))

    async def disconnect(self) -> None:
        # redis-py can swallow a cancellation that meets its own timeout; the flag ends the loops.
        self._closed = True
        await self._loops.aclose()
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()

    async def subscribe(self, group: str) -> None:
        """Join a channel; returns once the server has confirmed it."""
        self._channels.add(group)
        self._confirmed.clear()
        await self._confirmed.wait()

    async def unsubscribe(self, group: str) -> None:
        self._channels.discard(group)

    async def publish(self, channel: str, message: Any) -> None:
        """Queue a message; it is sent when Redis is there, in order, or dropped for newer ones."""
        self._unsent.append((channel, message))
        self._has_unsent.set()

    async def next_published(self) -> Event:
        return await self._received.get()

    async def _listen(self) -> None:
        while not self._closed:
            try:
                async with self._redis.pubsub() as pubsub:
                    await self._receive(pubsub)
            except (RedisError, OSError) as error:
                log.warning("updates.connection_lost", error=str(error))
            finally:
                self._confirmed.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _receive(self, pubsub: PubSub) -> None:
        subscribed: set[str] = set()
        last_heard = last_ping = time.monotonic()
        while not self._closed:
            if missing := self._channels - subscribed:
                await pubsub.subscribe(*missing)
                subscribed |= missing
            if not subscribed:
                await asyncio.sleep(0.01)
                last_heard = last_ping = time.monotonic()
                continue
            message = await pubsub.get_message(timeout=0.5)
            now = time.monotonic()
            if message is None:
                if now - last_heard > _DEAD_AFTER_SECONDS:
                    raise ConnectionError("the pub/sub connection went silent")
                if now - last_heard > _PING_AFTER_SECONDS < now - last_ping:
                    await pubsub.ping()
                    last_ping = now
                continue
            last_heard = now
            self._take(message, subscribed)

    def _take(self, message: dict[str, Any], subscribed: set[str]) -> None:
        channel = (message["channel"] or b"").decode()
        if message["type"] == "message":
            self._received.put_nowait(Event(channel, message["data"].decode()))
        elif message["type"] == "subscribe":
            self._received.put_nowait(Event(channel, MAY_HAVE_MISSED))
            if message["data"] == len(subscribed) and subscribed == self._channels:
                self._confirmed.set()

    async def _send(self) -> None:
        while not self._closed:
            await self._has_unsent.wait()
            batch = [self._unsent.popleft() for _ in range(min(len(self._unsent), _MAX_PIPELINE))]
            if not batch:
                self._has_unsent.clear()
                continue
            try:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for channel, message in batch:
                        pipeline.publish(channel, message)
                    await pipeline.execute()
            except (RedisError, OSError) as error:
                # Streams read what they miss from Postgres, so a lost hint costs only time.
                log.warning("updates.not_published", hints=len(batch), error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)
