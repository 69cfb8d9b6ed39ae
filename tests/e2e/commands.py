"""Commands run beside a test, and what they say."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from tests.e2e.stack import COMMAND, Stack, environment


def near_genesis(sol_in_usdc: Decimal) -> bool:
    """Whether it is a price that the seeded market reaches from the 150 it starts at."""
    return abs(sol_in_usdc - 150) < Decimal("4.5")


@contextmanager
def started(stack: Stack, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; it is killed if it outlives it."""
    with subprocess.Popen(
        [COMMAND, *arguments, "--url", stack.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # A shell that runs the tests in the background would have the command ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.kill()
