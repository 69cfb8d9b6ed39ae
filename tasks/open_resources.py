"""What the actors of one worker process share, open for the worker's lifetime."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from dramatiq import Broker, Worker
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import Middleware

from wiring.resources import Resources, open_resources
from wiring.settings import Settings

T = TypeVar("T")


class OpenResources(Middleware):
    """Open the Resources on the worker's event loop before it takes messages, close them after.

    One pool and one pub/sub connection per process, shared by all its actors.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: AbstractAsyncContextManager[Resources] | None = None
        self._resources: Resources | None = None

    @property
    def resources(self) -> Resources:
        assert self._resources is not None, "actors run inside a worker"
        return self._resources

    def use(self, resources: Resources) -> None:
        """Run actors with these resources, outside of a worker."""
        self._resources = resources

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        self._open = open_resources(self._settings, broker)
        self._resources = _on_loop(self._open.__aenter__())

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        if self._open is not None:
            _on_loop(self._open.__aexit__(None, None, None))


def _on_loop(coroutine: Awaitable[T]) -> T:
    loop = get_event_loop_thread()
    assert loop is not None, "OpenResources comes after AsyncIO"
    return loop.run_coroutine(coroutine)


def current_resources(broker: Broker) -> Resources:
    """Return the resources of the worker this actor runs in."""
    return next(m for m in broker.middleware if isinstance(m, OpenResources)).resources
