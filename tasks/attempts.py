"""What becomes of an order when an attempt fails, and when Dramatiq is to try again."""

from collections.abc import Sequence

import dramatiq
from dramatiq.common import compute_backoff
from dramatiq.middleware import CurrentMessage

from engine.errors import EngineError, ErrorCode, Failure, RetryClass
from engine.orders.status import OrderStatus, OrderType
from engine.swaps.swap import VenueQuote
from models.database import is_outage
from models.orders.step import Step
from models.orders.tables import Order
from wiring.logs import get_logger
from wiring.resources import Resources

ROUTE = "order.route"
"""The name of the actor that makes an attempt."""

PRICE_LEFT = frozenset(
    {
        ErrorCode.SLIPPAGE_EXCEEDED,
        ErrorCode.INSUFFICIENT_LIQUIDITY,
        ErrorCode.NO_ROUTE,
        ErrorCode.ZERO_OUTPUT,
    }
)
"""What a limit order only has to wait out."""

_RETRIED = frozenset({RetryClass.RETRY, RetryClass.REQUOTE})


log = get_logger(__name__)


class TryAgain(dramatiq.Retry):
    """Raised by an actor once the failed attempt is recorded: the Retries middleware backs off."""


def may_retry(retries: int, error: BaseException) -> bool:
    """Tell the Retries middleware whether to send the message again.

    How many attempts an order gets is counted in Postgres, before each, where a crash cannot
    lose it; by the time TryAgain is raised the next one is granted. While Postgres is away no
    attempt can be counted or fail, so the message waits for it, however long. All else is a bug
    and goes to `order.abandon`.
    """
    return isinstance(error, TryAgain) or is_outage(error)


def never(retries: int, error: BaseException) -> bool:
    """Tell Retries not to repeat periodic work: the next tick does."""
    return False


def failed_attempt(
    order: Order,
    error: EngineError | Failure,
    resources: Resources,
    quotes: Sequence[VenueQuote] = (),
) -> Step:
    """Return the step after a failed attempt: ROUTING once more with the reason, or FAILED.

    Call it only where no transaction of the attempt can land any more.
    """
    if isinstance(error, EngineError) and error.context:
        log.info("attempt.figures", order_id=str(order.id), code=error.code, figures=error.context)
    failure = error.failure if isinstance(error, EngineError) else error
    settings = resources.settings
    attempt = order.attempts + 1
    again = failure.retry_class in _RETRIED and attempt <= settings.max_attempts
    if not again and _lost_its_price(order, failure):
        again, attempt = True, min(attempt, settings.max_attempts)
    return order.step_to(
        OrderStatus.ROUTING if again else OrderStatus.FAILED,
        attempt=attempt if again else order.attempts,
        # Room for the backoff; only if the retry is lost does the sweep step in.
        lease_ms=settings.retry_max_backoff_ms + settings.step_lease_ms,
        quotes=tuple(quotes) or None,
        failure=failure,
    )


def route_again(order: Order, resources: Resources) -> None:
    """Send the message of an order's next attempt, after the backoff that it is due."""
    settings = resources.settings
    delay_ms = None
    if order.attempts > 1:
        _, delay_ms = compute_backoff(
            order.attempts - 2,
            factor=settings.retry_min_backoff_ms,
            max_backoff=settings.retry_max_backoff_ms,
        )
    route = dramatiq.get_broker().get_actor(ROUTE)
    resources.sender.send(route.message(str(order.id)), delay_ms=delay_ms)


def _lost_its_price(order: Order, failure: Failure) -> bool:
    """Say whether a limit order's price left it: no failure of its own, however often it happens.

    Routed once more, it goes back to waiting. What its owner asked to fail, fails.
    """
    asked_for = order.simulation is not None and order.simulation.slippage_failures > 0
    return order.type is OrderType.LIMIT and failure.code in PRICE_LEFT and not asked_for


def lease_holder() -> str:
    """Return who holds the lease of the step under way: the message being processed."""
    message = CurrentMessage.get_current_message()
    return "nobody's message" if message is None else message.message_id
