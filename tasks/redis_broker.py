"""Dramatiq's Redis broker, woken when there is something rather than asking all the time.

The stock consumer asks Redis for messages up to twenty times a second for each queue and each delay
queue, which is a tenth of a core with nothing to do, and still picks up late.
"""

import time

from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from redis.exceptions import ConnectionError as RedisConnectionError

_LONGEST_SLEEP_SECONDS = 0.5
"""How long a consumer sleeps at most: stopping and heartbeats wait for it."""

_WHILE_HOLDING_SECONDS = 0.025
"""How often a consumer looks at the delayed messages that it holds, for those that are due."""

_MAINTENANCE_SECONDS = 1.0


class WakingBroker(RedisBroker):
    """A broker whose consumers sleep in Redis until a message comes."""

    _maintained_at = 0.0

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        return SleepingConsumer

    def _should_do_maintenance(self, command: str) -> int:
        """Look for messages of dead workers once a second, however much there is to do.

        The stock broker does so by chance per command: hardly ever when idle, and all the time when
        busy, each time with a scan of all keys.
        """
        now = time.monotonic()
        # Only with a fetch, which every idle consumer makes twice a second: acknowledging must not
        # pay for it.
        if command != "fetch" or now < self._maintained_at + _MAINTENANCE_SECONDS:
            return 0
        self._maintained_at = now
        return 1


class SleepingConsumer(_RedisConsumer):
    """A consumer that waits for its queue to have a message, where the stock one sleeps."""

    def __next__(self):  # type: ignore[no-untyped-def]
        if self.message_cache:
            return super().__next__()
        # As the stock consumer does, but that it asks once and then waits to be woken.
        room = self.prefetch - self.outstanding_message_count
        try:
            if room > 0:
                self.message_cache = self.broker.do_fetch(self.queue_name, room)
            if self.message_cache:
                return super().__next__()
            self._sleep(room > 0)
        except RedisConnectionError as error:
            # The one error after which Dramatiq opens the consumer anew.
            raise ConnectionClosed(error) from None
        # To the worker that is a moment to see whether it is to stop; then it asks again.
        return None

    def _sleep(self, has_room: bool) -> None:
        holds_delayed = self.queue_name.endswith(".DQ") and self.outstanding_message_count > 0
        if holds_delayed or not has_room:
            time.sleep(_WHILE_HOLDING_SECONDS)
            return
        # Moving the first message to where it stands changes nothing, and waits until there is one.
        queue = f"{self.broker.namespace}:{self.queue_name}"
        self.broker.client.blmove(queue, queue, _LONGEST_SLEEP_SECONDS, "LEFT", "LEFT")
