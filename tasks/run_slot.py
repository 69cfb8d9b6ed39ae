"""Run the devnet's slots: execute what is due, in order, once, and let the market move."""

import dramatiq

from tasks.attempts import never
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.confirm_orders import confirm_orders
from tasks.open_resources import current_resources
from tasks.watch_market import watch_market
from wiring.logs import get_logger

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="devnet.run_slot", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def run_slot() -> None:
    """Run the slots that are due, tell who follows prices, let orders look at them."""
    resources = current_resources(broker)
    run = await resources.slots.run()
    if run is not None:
        log.debug("devnet.slot", slot=run.slot, settled=run.settled, pools=len(run.pools))
        await resources.updates.publish_pools(run.slot, run.pools)
        resources.sender.send(watch_market.message())
        resources.sender.send(confirm_orders.message())
