"""Send again what no venue knows of: always the same bytes, however often."""

import time
from uuid import UUID

import dramatiq

from models.database import Lock, only_one
from tasks.attempts import lease_holder, never, route_again
from tasks.broker import CLOCK, CLOCK_PRIORITY, broker
from tasks.open_resources import current_resources
from tasks.sending import send_all

_AGAIN_SECONDS = 5
_MOST_LOST_AGAIN = 1
"""With the first, two workers may be lost to the same bytes. Orders that were with both have one
chance left: a third loss could take it from them."""


@dramatiq.actor(
    actor_name="orders.resend", queue_name=CLOCK, priority=CLOCK_PRIORITY, retry_when=never
)
async def resend_orders(order_ids: list[str]) -> None:
    """Send again what no venue knows of, one order after the other in the whole engine.

    Bytes that kill their sender would otherwise take all those down that were sent beside them,
    each time anew. What does not get its turn here gets it in a later slot.
    """
    resources = current_resources(broker)
    async with only_one(resources.database, Lock.RESENDING) as alone:
        if not alone:
            return
        until = time.monotonic() + _AGAIN_SECONDS
        ids = [UUID(id) for id in order_ids]
        for order in await resources.orders.unsent(ids, most_lost=_MOST_LOST_AGAIN):
            claimed = await resources.orders.claim_resend(
                order,
                holder=lease_holder(),
                lease_ms=resources.settings.step_lease_ms,
                most_lost=_MOST_LOST_AGAIN,
            )
            for again in await send_all([claimed] if claimed else [], resources):
                route_again(again, resources)
            if time.monotonic() > until:
                return
