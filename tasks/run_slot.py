"""One tick, one story: run the slots that are due, confirm what they settled, wake what waits."""

import dramatiq

from models.database import Lock, only_one
from tasks.attempts import never
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.confirming import Confirming
from tasks.open_resources import current_resources
from tasks.watching import watch
from wiring.logs import get_logger

log = get_logger(__name__)

_confirming = Confirming()


@dramatiq.actor(
    actor_name="devnet.run_slot", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def run_slot() -> None:
    """Run the slots that are due, tell who follows prices, then let orders look at what they did.

    One tick at a time in the whole engine: the next makes up for one that found another at it.
    """
    resources = current_resources(broker)
    async with only_one(resources.database, Lock.TICKING) as alone:
        # Nothing is lost: whoever is at it, or the next tick, runs the slots that are due by then.
        if not alone:
            return
        run = await resources.slots.run()
        if run is None:
            return
        log.debug("devnet.slot", slot=run.slot, settled=run.settled, pools=len(run.pools))
        # Told when it is committed: whoever reads on this hint finds the new pools.
        await resources.updates.publish_pools(run.slot, run.pools)
        # What this tick settled is confirmed by it, and before waiting orders look at the pools. A
        # venue that says nothing is not waited for beyond the next tick.
        await _confirming.look(resources, patience_seconds=resources.settings.slot_ms / 1000)
        await watch(resources)
