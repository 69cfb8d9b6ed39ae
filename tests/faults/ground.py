"""What a fault gets to work with, and what one is."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.faults.clients import Clients
from tests.faults.machine import Machine, Process

POINT_SECONDS = 15


@dataclass(slots=True)
class Ground:
    """What a fault may touch, and whether others are at it too."""

    machine: Machine
    clients: Clients
    rng: random.Random
    say: Callable[[str], None]
    mixed: bool = False
    broken: dict[str, list[str]] = field(default_factory=dict)
    memory_mb: dict[str, tuple[float, float]] = field(default_factory=dict)

    def remember(self, where: str, before_mb: float) -> float:
        """Note what the api holds now, and return it."""
        now_mb = self.machine.memory_mb("api")
        self.memory_mb[f"api in {where}"] = (before_mb, now_mb)
        return now_mb


Inject = Callable[[Ground], Awaitable[float]]
"""Returns since when the cause is gone, from which recovery counts; seconds since the epoch."""


class NotInjected(Exception):
    """The fault did not come about, so that nothing was tested."""


async def back(process: Process) -> None:
    """Wait until it runs again, unless another fault holds it down."""
    async with asyncio.timeout(POINT_SECONDS):
        await asyncio.sleep(0.1)
        while process.pid is None and not process.held:
            await asyncio.sleep(0.02)
