"""All faults by name, each a coroutine that brings one on, waits out its time and takes it away."""

from collections.abc import Mapping

from tests.faults import hooks
from tests.faults.deaths import (
    all_workers_killed,
    api_terminated,
    inside_the_sweep,
    killed,
    killed_at,
    poisoned,
    skewed,
    worker_killed,
    worker_stopped,
)
from tests.faults.ground import Inject
from tests.faults.loads import crowd, overloaded, tenfold
from tests.faults.outages import (
    delayed,
    disk_full,
    postgres_stopped,
    pubsub_cut,
    redis_down,
    redis_emptied,
    reset,
    swallowed,
)

SHORT: Mapping[str, Inject] = {
    "worker killed": worker_killed,
    "all workers killed": all_workers_killed,
    "api killed": killed("api"),
    "clock killed": killed("clock"),
    "Redis emptied": redis_emptied,
    "Redis down 1 s": redis_down(1),
    "Postgres stopped at once": postgres_stopped,
    "pub/sub connection cut": pubsub_cut,
    "Postgres connections reset": reset("postgres"),
    "Redis connections reset": reset("redis"),
    "api connections reset": reset("api"),
    "Postgres delayed": delayed("postgres"),
    "api black-holed": swallowed("api"),
    "messages tenfold, shuffled": tenfold,
    "disk full": disk_full,
    **{f"killed {point}": killed_at(point) for point in hooks.POINTS[:7]},
}
"""Those that are over in seconds."""

LONG: Mapping[str, Inject] = {
    **SHORT,
    "api terminated": api_terminated,
    "worker stopped 11 s": worker_stopped,
    "Redis down 10 s": redis_down(10),
    "Redis delayed": delayed("redis"),
    "api delayed": delayed("api"),
    "Redis black-holed": swallowed("redis"),
    "Postgres black-holed": swallowed("postgres"),
    **{f"order that kills its worker at {step}": poisoned(step) for step in hooks.POISONED},
    "worker an hour off": skewed,
    f"killed {hooks.POINTS[7]}": inside_the_sweep,
}
"""All that may be mixed at random."""

IN_SMALL: Mapping[str, Inject] = {
    **SHORT,
    "order that kills its worker at route": poisoned("route"),
    "worker an hour off": skewed,
    "overload": overloaded(4),
    "200 subscribers, 20 deaf": crowd(200, 20),
}
"""What the short form injects."""

ONCE: Mapping[str, Inject] = {
    "Redis down 60 s": redis_down(60),
    "overload": overloaded(15),
    "2,000 subscribers, 100 deaf": crowd(2_000, 100),
}
"""Too slow for the mixture."""
