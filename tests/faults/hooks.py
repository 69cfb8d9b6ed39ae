"""Places in the engine where its process can be made to fail, from outside and while it runs.

Only processes started through tests/faults/process.py have them. A fault is asked for with a file
in FAULTS_DIRECTORY: `arm` puts a token that one process takes, and dies; `switch` makes a state
that lasts. Nothing of this is in the product.
"""

import heapq
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any
from uuid import uuid4

import time_machine

POINTS = (
    "api: between commit and enqueue",
    "worker: between commit and publish",
    "worker: between build and submit",
    "worker: between SUBMITTED's commit and send",
    "worker: between send and the next commit",
    "worker: between landing and confirm",
    "worker: inside the slot",
    "worker: inside the sweep",
)
TENFOLD = "tenfold"
POISON = "poison"
POISONED = ("route", "submit", "send")
"""The steps that an order can be made to kill its process in, each time."""

_TOKENS = 4


def arm(directory: Path, point: str, times: int = 1) -> None:
    """Kill the next `times` processes that come to `point`."""
    for n in range(min(times, _TOKENS)):
        _token(directory, point, n).touch()


def disarm(directory: Path, point: str) -> int:
    """Take back what nobody took; return how many tokens there were."""
    return sum(_take(directory, point, n) for n in range(_TOKENS))


def deaths(directory: Path) -> list[tuple[float, str]]:
    """Return when, and at which points, processes killed themselves."""
    log = directory / "deaths"
    lines = log.read_text().splitlines() if log.exists() else []
    return [(float(at), point) for at, _, point in (line.partition(" ") for line in lines)]


def switch(directory: Path, name: str, on: bool) -> None:
    """Make a state that lasts until it is switched off."""
    path = directory / f"{name}.switch"
    if on:
        path.touch()
    else:
        path.unlink(missing_ok=True)


def install(directory: Path) -> None:
    """Put the hooks into this process, before it starts to work."""
    from dramatiq.brokers.redis import RedisBroker

    import api.orders.placing
    import tasks.pipeline
    import tasks.resend_orders
    import tasks.submit_order
    import tasks.sweep_orders
    from models.devnet.slots import SlotRunner
    from wiring.order_door import OrderDoor
    from wiring.updates import Updates

    def die_before(owner: Any, name: str, point: str) -> None:
        _wrap(owner, name, before=lambda *_: _reach(directory, point))

    def die_after(owner: Any, name: str, point: str) -> None:
        _wrap(owner, name, after=lambda *_: _reach(directory, point))

    def die_of_poison(step: str) -> Callable[..., object]:
        def reach(orders: Any, *_: Any) -> None:
            # Orders themselves, or what was chosen for them.
            asked = (getattr(order, "order", order).client_order_id for order in orders)
            if any(id.startswith(poison(step)) for id in asked):
                _die(directory, poison(step))

        return reach

    die_before(api.orders.placing, "_announce", POINTS[0])
    if "worker" in _process_name():
        die_before(Updates, "publish", POINTS[1])
    die_after(tasks.pipeline, "_build", POINTS[2])
    _wrap(tasks.pipeline, "_choose", before=die_of_poison("route"))
    _wrap(tasks.pipeline, "_build", before=die_of_poison("submit"))
    for module in (tasks.pipeline, tasks.resend_orders, tasks.submit_order):
        die_before(module, "send_all", POINTS[3])
        die_after(module, "send_all", POINTS[4])
        _wrap(module, "send_all", before=die_of_poison("send"))
    _wrap(
        OrderDoor,
        "advance_all",
        before=lambda _, steps: _confirms(steps) and _reach(directory, POINTS[5]),
    )
    die_after(SlotRunner, "_write", POINTS[6])
    die_before(tasks.sweep_orders, "_queue", POINTS[7])
    _deliver_tenfold(RedisBroker, directory)


def poison(step: str) -> str:
    """Return how the clientOrderId of an order begins that kills its process in this step."""
    return f"{POISON}-{step}"


def skew_clock(seconds: float) -> None:
    """Let this process's clock be wrong by so much; only how time passes stays right."""
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True).start()


def _confirms(steps: Any) -> bool:
    return any(step.previous == "SUBMITTED" for step in steps)


def _wrap(
    owner: Any,
    name: str,
    *,
    before: Callable[..., object] = lambda *_: None,
    after: Callable[..., object] = lambda *_: None,
) -> None:
    wrapped = getattr(owner, name)

    @wraps(wrapped)
    async def run(*arguments: Any, **options: Any) -> Any:
        before(*arguments)
        result = await wrapped(*arguments, **options)
        after(*arguments)
        return result

    setattr(owner, name, run)


def _deliver_tenfold(broker: Any, directory: Path) -> None:
    """Enqueue each message ten times while the switch is on, half of them the very same one.

    Each copy comes after a delay of its own, so that messages overtake each other.
    """
    enqueue, on = broker.enqueue, directory / f"{TENFOLD}.switch"
    later: list[tuple[float, int, Callable[[], Any]]] = []
    more = threading.Condition()

    def run() -> None:
        while True:
            with more:
                while not later or later[0][0] > time.monotonic():
                    more.wait(0.01 if later else None)
                _, _, send = heapq.heappop(later)
            send()

    def enqueue_often(self: Any, message: Any, *, delay: int | None = None) -> Any:
        if on.exists():
            for n in range(9):
                copy = message.copy() if n % 2 else message.copy(message_id=str(uuid4()))
                due = time.monotonic() + random.random() * 0.5
                again = partial(enqueue, self, copy, delay=delay)
                entry: tuple[float, int, Callable[[], object]] = (due, id(copy), again)
                with more:
                    heapq.heappush(later, entry)
                    more.notify()
        return enqueue(self, message, delay=delay)

    threading.Thread(target=run, daemon=True).start()
    broker.enqueue = enqueue_often


def _reach(directory: Path, point: str) -> None:
    if any(_take(directory, point, n) for n in range(_TOKENS)):
        _die(directory, point)


def _die(directory: Path, point: str) -> None:
    with (directory / "deaths").open("a") as log:
        log.write(f"{time.time()} {point}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def _take(directory: Path, point: str, n: int) -> bool:
    try:
        _token(directory, point, n).unlink()
    except FileNotFoundError:
        return False
    return True


def _token(directory: Path, point: str, n: int) -> Path:
    return directory / f"{point.replace(' ', '-').replace(':', '')}.{n}"


def _process_name() -> str:
    import sys

    return " ".join(sys.argv[1:])
