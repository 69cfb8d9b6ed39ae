"""Send messages from an event loop without ever waiting for Redis."""

import threading
from collections import deque
from typing import Any

from dramatiq import Broker, Message

from wiring.logs import get_logger

_MAX_UNSENT = 50_000

log = get_logger(__name__)


class Sender:
    """A thread that enqueues messages in order.

    Messages are hints: what is lost when Redis is away for long, or with the process, the sweep
    sends again. So the buffer is bounded and nobody waits for it.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._unsent: deque[tuple[Message[Any], int | None]] = deque(maxlen=_MAX_UNSENT)
        self._has_unsent = threading.Event()
        threading.Thread(target=self._run, name="sender", daemon=True).start()

    @property
    def unsent(self) -> int:
        """How many messages wait to be sent."""
        return len(self._unsent)

    def send(self, message: Message[Any], *, delay_ms: int | None = None) -> None:
        """Enqueue `message` soon; after `delay_ms` where given."""
        self._unsent.append((message, delay_ms))
        self._has_unsent.set()

    def _run(self) -> None:
        while True:
            self._has_unsent.wait()
            try:
                message, delay_ms = self._unsent[0]
            except IndexError:
                self._has_unsent.clear()
                if self._unsent:  # appended between the look and the clear
                    self._has_unsent.set()
                continue
            try:
                self._broker.enqueue(message, delay=delay_ms)
            except Exception as error:
                log.warning("message.not_sent", actor=message.actor_name, error=str(error))
            self._unsent.popleft()
