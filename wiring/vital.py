"""Background work that a process cannot do without: when it ends, so does the process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from wiring.logs import get_logger

log = get_logger(__name__)


@asynccontextmanager
async def vital(**parts: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `parts`, by their names, for as long as the block.

    A part that ends before the block does, with an error or without, is logged and this process is
    sent SIGTERM: it stops as it always does, and whoever watches over it starts it again. A process
    that lives on without its streams or its count of orders would be wrong and look well.
    """
    tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
    for task in tasks:
        task.add_done_callback(_end_process)
    try:
        yield
    finally:
        for task in tasks:
            task.remove_done_callback(_end_process)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _end_process(task: asyncio.Task[None]) -> None:
    if task.cancelled():  # the loop is being closed around us
        return
    log.critical("process.part_ended", part=task.get_name(), exc_info=task.exception())
    os.kill(os.getpid(), signal.SIGTERM)
