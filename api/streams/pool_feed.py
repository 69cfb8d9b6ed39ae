"""One feed per process tells its streams of quotes which pools have changed."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from engine.errors import EngineError, ErrorCode
from wiring.updates import PoolsChanged, Updates


class Watch:
    """One stream's note of the pools that changed since it last looked.

    It never holds more than there are pools, whatever its reader does.
    """

    __slots__ = ("_changed", "_missed", "_wake")

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._missed = False
        self._wake = asyncio.Event()

    def offer(self, change: PoolsChanged | None) -> None:
        """Note a slot's changes; None for changes that nobody can name."""
        if change is None:
            self._missed = True
        else:
            self._changed |= change.pools
        self._wake.set()

    def forget(self) -> None:
        """Forget what changed so far: what is read from now on has it."""
        self._changed.clear()
        self._missed = False

    async def change(self, pools: Collection[str], *, timeout_seconds: float) -> None:
        """Wait until one of these pools has, or may have, changed; no longer than the time-out."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not self._missed and self._changed.isdisjoint(pools):
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            pass  # a hint may be lost: looking again costs little


class PoolFeed:
    """The process's watches, `most` of them at once."""

    def __init__(self, updates: Updates, *, most: int) -> None:
        self._updates = updates
        self._most = most
        self._watches: set[Watch] = set()

    def require_room(self) -> None:
        """Raise EngineError OVERLOADED where as many streams watch as may in one process."""
        if len(self._watches) >= self._most:
            raise EngineError(
                ErrorCode.OVERLOADED,
                "Too many streams of quotes are open.",
                context={"most": self._most},
            )

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Join the feed."""
        watch = Watch()
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def run(self) -> None:
        """Receive hints until cancelled."""
        async for change in self._updates.receive_pools():
            for watch in self._watches:
                watch.offer(change)
