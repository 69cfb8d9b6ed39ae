"""Hand stored orders to the workers: those accepted together go together."""

import asyncio

from engine.orders.status import OrderType
from models.orders.tables import Order
from tasks.route_order import route_order
from tasks.route_orders import route_orders
from wiring.sender import Sender


class Announcer:
    """Sends one message for all market orders whose accepting ended together.

    A message may be lost on the way, with Redis or with this process: the sweep sends it again.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._accepted: list[str] = []

    def announce(self, order: Order) -> None:
        """Have an order's first step done soon."""
        if order.type is not OrderType.MARKET:
            self._sender.send(route_order.message(str(order.id)))
            return
        self._accepted.append(str(order.id))
        if len(self._accepted) == 1:
            # After all those have been woken that waited for the same statement.
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        ids, self._accepted = self._accepted, []
        self._sender.send(route_orders.message(ids))
