"""Waiting for what is to be, within a deadline."""

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 20
_LOOK_SECONDS = 0.01


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds. Raises TimeoutError when it does not in time."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(_LOOK_SECONDS)
