"""The events of all orders, for those who watch everything: bounded, and in order.

Hints may come late, twice or not at all; the feed hands an order's events on only upwards, reads
what a gap shows to be missing, and after a lost connection whatever was stored meanwhile. A reader
that falls behind is brought up to the newest event of each order.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from engine.orders.event import OrderEvent
from models.orders.store import OrderStore
from wiring.logs import get_logger

_REMEMBERED_ORDERS = 50_000
_QUEUED_EVENTS = 1_000
_QUEUED_ORDERS = 20_000
_READ_BACK = timedelta(seconds=10)
_RETRY_SECONDS = 0.2

log = get_logger(__name__)


class TooSlow(Exception):
    """A reader fell so far behind that not even the newest states are kept for it."""


class Reader:
    """One stream's queue. Past `_QUEUED_EVENTS` it keeps only the newest event of each order."""

    def __init__(self) -> None:
        self._queue: deque[OrderEvent] = deque()
        self._wake = asyncio.Event()
        self._too_slow = False

    def offer(self, event: OrderEvent) -> None:
        """Queue an event, newer than all before it of the same order."""
        self._queue.append(event)
        if len(self._queue) > _QUEUED_EVENTS:
            self._keep_newest()
        self._wake.set()

    async def take(self, most: int) -> list[OrderEvent]:
        """Return the next events, at least one. Raises TooSlow."""
        while not self._queue and not self._too_slow:
            self._wake.clear()
            await self._wake.wait()
        if self._too_slow:
            raise TooSlow
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    def _keep_newest(self) -> None:
        newest = {event.order_id: event for event in self._queue}
        # Not even the newest of each order fits: a stream that says so beats one without bound.
        if len(newest) > _QUEUED_ORDERS:
            self._too_slow = True
            newest.clear()
        if len(newest) < len(self._queue):
            # A newer event stands where its order's first one stood: told as they happened.
            self._queue = deque(sorted(newest.values(), key=lambda event: event.occurred_at))


class EventFeed:
    """The process's readers of all orders; it remembers nothing while there are none."""

    def __init__(self, orders: OrderStore) -> None:
        self._orders = orders
        self._readers: set[Reader] = set()
        self._newest: OrderedDict[UUID, int] = OrderedDict()
        self._began = self._last_seen = datetime.now(UTC)
        self._gaps: dict[UUID, int] = {}
        self._missed = False
        self._read_now = asyncio.Event()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Join the feed: events from now on."""
        if not self._readers:
            # Nobody watched until now: what is remembered from before would look like gaps.
            self._newest.clear()
            self._gaps.clear()
            self._began = self._last_seen = datetime.now(UTC)
        reader = Reader()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    @property
    def has_readers(self) -> bool:
        """Whether anybody watches everything."""
        return bool(self._readers)

    def offer(self, event: OrderEvent | None) -> None:
        """Take a hint; None where some may have been missed."""
        if not self._readers:
            return
        if event is None:
            self._missed = True
            self._read_now.set()
            return
        last = self._newest.get(event.order_id)
        if last is None:
            # Of an order that began before the feed nobody asks for the past.
            last = 0 if _placed_at(event.order_id) > self._began else event.sequence - 1
        if event.sequence == last + 1:
            self._hand_on(event)
        elif event.sequence > last:
            # From the first gap on: what shows later of this order lies beyond, and comes along.
            self._gaps.setdefault(event.order_id, last)
            self._read_now.set()

    async def run(self) -> None:
        """Close gaps until cancelled."""
        while True:
            await self._read_now.wait()
            self._read_now.clear()
            try:
                await self._read()
            except Exception as error:
                log.warning("feed.not_read", error=str(error))
                # Still undone, and no hint may come to say so again.
                self._read_now.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self) -> None:
        if self._missed:
            # Rows do not become visible in the order of their times: a little is read twice.
            since = self._last_seen - _READ_BACK
            self._hand_on_all(await self._orders.events_since(max(since, self._began)))
            self._missed = False
        gaps = dict(self._gaps)
        if gaps:
            self._hand_on_all(await self._orders.events_after(gaps))
            # Closed or not: where the row is not to be seen yet, the next event shows the gap
            # again.
            for id in gaps:
                self._gaps.pop(id, None)

    def _hand_on_all(self, events: Iterable[OrderEvent]) -> None:
        for event in events:
            if event.sequence > self._newest.get(event.order_id, 0):
                self._hand_on(event)

    def _hand_on(self, event: OrderEvent) -> None:
        self._newest[event.order_id] = event.sequence
        self._newest.move_to_end(event.order_id)
        if len(self._newest) > _REMEMBERED_ORDERS:
            # The longest without an event: if it has another, that counts as the first one seen.
            self._newest.popitem(last=False)
        self._last_seen = max(self._last_seen, event.occurred_at)
        for reader in self._readers:
            reader.offer(event)


def _placed_at(order_id: UUID) -> datetime:
    """Return when an order's id was made at the latest: UUIDv7 begins with its millisecond."""
    return datetime.fromtimestamp(((order_id.int >> 80) + 1) / 1000, UTC)
