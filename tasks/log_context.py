"""Every line that an actor logs says which message and which order it is about."""

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware


class LogContext(Middleware):
    """Bind `message_id` and, for an order's step, `order_id` while a message is processed.

    Actors add `request_id` and `attempt` once they have read the order.
    """

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        structlog.contextvars.bind_contextvars(message_id=message.message_id)
        if message.actor_name.startswith("order.") and message.args:
            structlog.contextvars.bind_contextvars(order_id=str(message.args[0]))

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any | None = None,
        exception: BaseException | None = None,
    ) -> None:
        structlog.contextvars.unbind_contextvars("message_id", "order_id", "request_id", "attempt")
