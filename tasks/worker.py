"""One worker process: Dramatiq's Worker without its command line.

That command line forks, stops all its processes when one crashes, and hangs when a whole process
group is signalled. Here one process is one worker; more workers are more processes.
"""

import signal
import threading
from types import FrameType

from dramatiq import Worker

from tasks.actors import broker
from wiring.logs import get_logger
from wiring.loop import use_fast_loop
from wiring.settings import Settings

log = get_logger(__name__)


def run_worker(settings: Settings) -> None:
    """Process messages until SIGTERM or SIGINT, then finish the steps under way."""
    stop = threading.Event()

    def on_signal(signum: int, frame: FrameType | None) -> None:
        stop.set()

    use_fast_loop()  # before Dramatiq makes the one that all actors share
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    worker = Worker(
        broker,
        worker_timeout=settings.worker_poll_interval_ms,
        worker_threads=settings.worker_threads,
    )
    worker.start()
    log.info("worker.started", threads=settings.worker_threads)
    stop.wait()
    log.info("worker.stopping")
    worker.stop(timeout=settings.worker_shutdown_timeout_ms)
    log.info("worker.stopped")
