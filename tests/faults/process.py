"""One process of the engine with the hooks of the fault suite: `python -m tests.faults.process`."""

import os
import sys
from pathlib import Path

from tests.faults import breakages, hooks


def main() -> None:
    if skew := float(os.environ.get("FAULTS_CLOCK_SKEW_SECONDS", 0)):
        hooks.skew_clock(skew)
    hooks.install(Path(os.environ["FAULTS_DIRECTORY"]))
    if name := os.environ.get("FAULTS_BREAKAGE"):
        breakages.BREAKAGES[name].install()
    from cli.main import app

    app([sys.argv[1]])


if __name__ == "__main__":
    main()
