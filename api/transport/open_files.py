"""How many files this process may have open, and so how many connections it can take."""

import resource

from api.transport.connections import MOST_REFUSED
from wiring.logs import get_logger
from wiring.settings import Settings

_SPARE = 64 + MOST_REFUSED  # logs, the event loop, Redis, pages being sent

log = get_logger(__name__)


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        return soft  # some systems allow less than they say
    return hard


def most_connections(settings: Settings, files: int) -> int:
    """Return how many connections to take at once: as many as allowed and there are files for."""
    if files == resource.RLIM_INFINITY:
        return settings.max_connections
    own = _SPARE + settings.database_pool_size + settings.order_connections
    room = max(files - own, files // 2)
    if room < settings.max_connections:
        log.warning("connections.fewer", most=room, wanted=settings.max_connections, files=files)
    return min(settings.max_connections, room)
