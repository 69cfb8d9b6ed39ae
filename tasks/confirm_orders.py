"""One look at what was sent, by itself: for workers of the version before, whose slots send it."""

import dramatiq

from models.database import Lock, only_one
from tasks.attempts import never
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.confirming import Confirming
from tasks.open_resources import current_resources

_PATIENCE_SECONDS = 5.0

_confirming = Confirming()


@dramatiq.actor(
    actor_name="orders.confirm", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def confirm_orders() -> None:
    """Look at every SUBMITTED order once; one run at a time, the next tick makes up for others."""
    resources = current_resources(broker)
    async with only_one(resources.database, Lock.CONFIRMING) as alone:
        if alone:
            await _confirming.look(resources, patience_seconds=_PATIENCE_SECONDS)
