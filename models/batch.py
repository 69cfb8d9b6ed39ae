"""Do together what is asked for at the same time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from models.database import TooMuchWaits, is_outage

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batch(Generic[Item, Result]):
    """Hand items to `run` in groups: those that arrive while a group is under way form the next.

    One statement for many orders costs little more than for one. Alone, an item waits for
    nothing. A group that fails is run again item by item, so that a bad one fails alone; `run`
    must therefore be safe to repeat. Where the database is away no item is to blame: then the
    group fails as one.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most: int = 200,
        most_waiting: int = 20_000,
    ) -> None:
        self._run = run
        self._most = most
        self._most_waiting = most_waiting
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        """Return `run`'s result for `item`, or raise what it raised. Raises TooMuchWaits."""
        return await self._enter(item)

    async def all(self, items: Sequence[Item]) -> list[Result | BaseException]:
        """Return for each of these items what `run` returned for it or what it raised."""
        return await asyncio.gather(*(self._enter(item) for item in items), return_exceptions=True)

    def _enter(self, item: Item) -> asyncio.Future[Result]:
        if len(self._waiting) >= self._most_waiting:
            # At once: those behind so many would wait for longer than anybody does.
            raise TooMuchWaits
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._drain())
        return future

    async def _drain(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            try:
                await self._settle(group)
            except Exception as error:
                # Away is away for each of them: one by one they would only wait as often.
                if len(group) == 1 or is_outage(error):
                    self._fail(group, error)
                    continue
                for single in group:
                    try:
                        await self._settle([single])
                    except Exception as alone:
                        self._fail([single], alone)

    async def _settle(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        results = await self._run([item for item, _ in group])
        for (_, future), result in zip(group, results, strict=True):
            # Whoever asked may be gone; what was asked is done all the same.
            if not future.done():
                future.set_result(result)

    def _fail(self, group: list[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
        for _, future in group:
            if not future.done():
                future.set_exception(error)
