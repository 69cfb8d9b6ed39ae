"""The Redis broker and its ordered middleware, chosen before any actor is declared."""

from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.middleware import AsyncIO, CurrentMessage, Retries, ShutdownNotifications
from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from tasks.attempts import may_retry
from tasks.log_context import LogContext
from tasks.open_resources import OpenResources
from tasks.redis_broker import WakingBroker
from wiring.settings import Settings, get_settings

ORDERS = "orders"
"""The queue of orders' steps."""

CLOCK = "clock"
"""The queue of periodic work, apart so that a backlog of orders cannot hold up the slots."""

CLOCK_PRIORITY, ORDER_PRIORITY = 0, 10
"""Of the messages a worker holds, those of the clock go first."""

_WHEN_REDIS_IS_UNSET = "redis://127.0.0.1:6379/0"


def make_broker(settings: Settings) -> WakingBroker:
    """Return the broker. Its defaults that lose or delay work here are all overridden.

    The client retries through an outage of half a minute: without that, Dramatiq strands delayed
    messages and drops the retry of an actor that fails meanwhile. Never call it on an event loop.
    """
    client = Redis.from_url(
        settings.redis_url or _WHEN_REDIS_IS_UNSET,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), 30),
        socket_timeout=5,
        health_check_interval=10,
    )
    return WakingBroker(
        client=client,
        namespace="order-engine",
        # Messages of a dead worker come back once the sweep, which counts, has had its turn.
        heartbeat_timeout=max(10_000, 2 * settings.step_lease_ms),
        middleware=[
            ShutdownNotifications(notify_shutdown=False),
            Retries(
                min_backoff=settings.retry_min_backoff_ms,
                max_backoff=settings.retry_max_backoff_ms,
                retry_when=may_retry,
            ),
            CurrentMessage(),
            LogContext(),
            AsyncIO(),
            OpenResources(settings),
        ],
    )


def next_order() -> UUID | None:
    """Return the order whose message workers take next, None where no order's message waits."""
    queue = f"{broker.namespace}:{ORDERS}"
    id = broker.client.lindex(queue, 0)
    message = id and broker.client.hget(f"{queue}.msgs", id)
    return _order_of(dramatiq.Message.decode(message)) if isinstance(message, bytes) else None


def waiting(queue: str) -> int:
    """Count the messages that no worker has yet.

    Dramatiq's own count has those of dead workers in it, which are nobody's until they are found.
    """
    return int(_glance.llen(f"{broker.namespace}:{queue}"))


def _order_of(message: dramatiq.Message[Any]) -> UUID | None:
    """Return the order a message is about, of a group the first: the oldest of it."""
    try:
        named = message.args[0]
        return UUID(named[0] if isinstance(named, list) else named)
    except (IndexError, TypeError, ValueError, AttributeError):
        return None  # a message about something else, such as an order given up


def _make_glance(settings: Settings) -> Redis:
    """Return a client for looks that are worth nothing late: it tries once, and not for long."""
    return Redis.from_url(
        settings.redis_url or _WHEN_REDIS_IS_UNSET, socket_timeout=1, retry=Retry(NoBackoff(), 1)
    )


broker = make_broker(get_settings())
dramatiq.set_broker(broker)
_glance = _make_glance(get_settings())
