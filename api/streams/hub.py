"""One hub per process feeds all its streams: hints when they come, Postgres when they do not.

A follower takes an event only when it is the next one, so a stream can neither skip nor repeat.
Whatever hints are lost, doubled or late, the bulk read closes the gap: at once when one shows,
after each reconnect, and once a second in any case.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from api.streams.event_feed import EventFeed
from engine.orders.event import OrderEvent
from models.batch import Batch
from models.orders.store import OrderStore
from wiring.logs import get_logger
from wiring.updates import Hint, Updates

_MIN_SECONDS_BETWEEN_READS = 0.02
_ORDERS_PER_READ = 1_000

log = get_logger(__name__)


class Follower:
    """One stream's place in one order's events, and the events it has yet to hand on.

    It never holds more than one order has events, whatever its reader does.
    """

    __slots__ = ("_ready", "_wake", "behind", "order_id", "sequence")

    def __init__(self, order_id: UUID, sequence: int) -> None:
        self.order_id = order_id
        self.sequence = sequence
        self.behind = False
        self._ready: deque[OrderEvent] = deque()
        self._wake = asyncio.Event()

    def offer(self, event: OrderEvent) -> None:
        """Take the event if it is the next one; note the gap if it is a later one."""
        # An older one was taken before, from a hint or from a read: dropped in silence. A later one
        # is not taken out of order; the read that it calls for brings it again.
        if event.sequence == self.sequence + 1:
            self.sequence = event.sequence
            self.behind = False
            self._ready.append(event)
            self._wake.set()
        elif event.sequence > self.sequence:
            self.behind = True

    async def next(self) -> OrderEvent:
        """Return the next event, when there is one."""
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()
        return self._ready.popleft()


class Hub:
    """The process's followers, by order."""

    def __init__(
        self,
        orders: OrderStore,
        updates: Updates,
        *,
        poll_interval_ms: int,
    ) -> None:
        self._orders = orders
        self._updates = updates
        self._feed = EventFeed(orders)
        self._poll_seconds = poll_interval_ms / 1000
        self._followers: dict[UUID, set[Follower]] = {}
        # By the text of their ids, as hints have them: most hints are for nobody here, and it would
        # be a waste to make a UUID of each.
        self._followed: set[str] = set()
        self._read_now = asyncio.Event()
        self._catch_up: Batch[Follower, None] = Batch(self._read)

    @property
    def streams(self) -> int:
        """How many streams of single orders are open."""
        return sum(len(followers) for followers in self._followers.values())

    @property
    def feed(self) -> EventFeed:
        """The events of all orders."""
        return self._feed

    async def follow(self, order_id: UUID, after: int) -> AsyncGenerator[OrderEvent, None]:
        """Yield the events of an order after sequence `after`, then live, up to its last."""
        with self._join(order_id, after) as follower:
            # Joined first, read second: an event in between is offered twice, never missed.
            await self._catch_up(follower)
            while True:
                event = await follower.next()
                yield event
                if event.is_terminal:
                    return

    async def run(self) -> None:
        """Receive hints and close gaps until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive())
            tasks.create_task(self._feed.run())
            tasks.create_task(self._close_gaps())

    @contextmanager
    def _join(self, order_id: UUID, after: int) -> Iterator[Follower]:
        follower = Follower(order_id, after)
        self._followers.setdefault(order_id, set()).add(follower)
        self._followed.add(str(order_id))
        try:
            yield follower
        finally:
            followers = self._followers[order_id]
            followers.discard(follower)
            if not followers:
                del self._followers[order_id]
                self._followed.discard(str(order_id))

    async def _receive(self) -> None:
        async for hints in self._updates.receive():
            # A connection was made anew, and Redis replays nothing.
            if hints is None:
                self._may_have_missed()
                continue
            for hint in hints:
                # Most orders are followed by nobody here: their events are not even read.
                if hint.order_id in self._followed or self._feed.has_readers:
                    self._take(hint)

    def _take(self, hint: Hint) -> None:
        event = hint.read()
        # An event of a version that is not ours: Postgres has it in columns.
        if event is None:
            self._may_have_missed()
        else:
            self._feed.offer(event)
            self._offer([event])

    def _may_have_missed(self) -> None:
        self._feed.offer(None)
        self._read_now.set()

    async def _close_gaps(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await self._read_now.wait()
            except TimeoutError:
                pass
            # Cleared before the read: what goes missing during it is asked for again.
            self._read_now.clear()
            everybody = [f for followers in self._followers.values() for f in followers]
            try:
                for start in range(0, len(everybody), _ORDERS_PER_READ):
                    await self._read(everybody[start : start + _ORDERS_PER_READ])
            # The next round asks again: until then streams are late, not wrong.
            except Exception as error:
                log.warning("hub.not_read", streams=len(everybody), error=str(error))
            # Gaps come in swarms, after a lost connection above all: one read is for all of them.
            await asyncio.sleep(_MIN_SECONDS_BETWEEN_READS)

    async def _read(self, followers: Sequence[Follower]) -> list[None]:
        """Offer these followers whatever Postgres has beyond their places."""
        seen: dict[UUID, int] = {}
        for follower in followers:
            # Of several streams of one order the furthest behind decides; the others drop the rest.
            lowest = seen.get(follower.order_id, follower.sequence)
            seen[follower.order_id] = min(lowest, follower.sequence)
        if seen:
            self._offer(await self._orders.events_after(seen))
        return [None] * len(followers)

    def _offer(self, events: Iterable[OrderEvent]) -> None:
        for event in events:
            for follower in self._followers.get(event.order_id, ()):
                follower.offer(event)
                if follower.behind:
                    self._read_now.set()
