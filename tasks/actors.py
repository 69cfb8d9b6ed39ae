"""Every actor, for a worker to load."""

from tasks.abandon_order import abandon_order
from tasks.broker import broker
from tasks.confirm_orders import confirm_orders
from tasks.resend_orders import resend_orders
from tasks.route_order import route_order
from tasks.route_orders import route_orders
from tasks.run_slot import run_slot
from tasks.submit_order import submit_order
from tasks.sweep_orders import sweep_orders
from tasks.watch_market import watch_market

__all__ = [
    "abandon_order",
    "broker",
    "confirm_orders",
    "resend_orders",
    "route_order",
    "route_orders",
    "run_slot",
    "submit_order",
    "sweep_orders",
    "watch_market",
]
