"""Run the devnet's slots: execute what is due, in order, once."""

import dramatiq

from engine.logs import get_logger
from engine.transaction import SwapTransaction, TransactionStatus
from engine.venues.devnet import POOLS
from engine.venues.simulated import execute
from tasks.attempts import never
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.confirm_orders import confirm_orders
from tasks.resources import current_resources

log = get_logger(__name__)


@dramatiq.actor(
    actor_name="devnet.run_slot", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def run_slot() -> None:
    """Settle every transaction that lands by now, then let orders ask for their outcome."""
    resources = current_resources(broker)
    settled = await resources.ledger.run_slot(_execute)
    if settled is not None:
        log.debug("devnet.slot", settled=settled)
        resources.sender.send(confirm_orders.message())


def _execute(swap: SwapTransaction, slot: int) -> TransactionStatus:
    return execute(swap, POOLS, slot)
