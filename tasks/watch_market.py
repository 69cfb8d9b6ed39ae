"""One look at the market, by itself: for workers of the version before, whose slots send it."""

import dramatiq

from models.database import Lock, only_one
from tasks.attempts import never
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.open_resources import current_resources
from tasks.watching import watch


@dramatiq.actor(
    actor_name="orders.watch", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def watch_market() -> None:
    """Look at the market once; one look at a time, the next slot makes up for others."""
    resources = current_resources(broker)
    async with only_one(resources.database, Lock.WATCHING) as alone:
        if alone:
            await watch(resources)
