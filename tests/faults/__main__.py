"""`make faults`: the long form, or with --short the one that is part of the tests."""

import argparse
import asyncio
import logging
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from tests.faults.breakages import BREAKAGES
from tests.faults.catalogue import LONG, ONCE
from tests.faults.outcome import SHORT_PLAN, Plan
from tests.faults.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="of the mixture")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--rate", type=float, default=8, help="orders placed each second")
    parser.add_argument("--short", action="store_true", help="small delays, and no mixture")
    parser.add_argument("--only", action="append", help="this fault only; repeatable")
    parser.add_argument("--mixed-only", action="store_true", help="leave out the one by one")
    parser.add_argument(
        "--breakages", action="store_true", help="break the engine on purpose; red is good"
    )
    asked = parser.parse_args()
    began = time.monotonic()
    logging.getLogger("gql").setLevel(logging.ERROR)
    logging.getLogger("websockets").setLevel(logging.ERROR)

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)  # noqa: T201

    if asked.breakages:
        return _break(asked.seed, say)
    known = {**LONG, **ONCE}
    faults = {name: known[name] for name in asked.only} if asked.only else None
    if asked.mixed_only:
        faults = {}
    if asked.short:
        plan = replace(SHORT_PLAN, seed=asked.seed, per_second=asked.rate)
    else:
        minutes = 0 if asked.only else asked.minutes
        plan = Plan(asked.seed, minutes=minutes, per_second=asked.rate)
    say(f"seed {asked.seed}")
    outcome = asyncio.run(run(plan, say=say, faults=faults))
    say(f"seed {asked.seed}\n{outcome}")
    return int(bool(outcome.broken))


def _break(seed: int, say: Callable[[str], None]) -> int:
    """Run the suite against each breakage; return how many it did not see."""
    missed = 0
    for name, breakage in BREAKAGES.items():
        plan = Plan(seed, per_second=10, end_seconds=12, fast=True)
        faults = {breakage.fault: LONG[breakage.fault]}
        outcome = asyncio.run(run(plan, say=lambda _: None, faults=faults, breakage=name))
        caught = sorted(breakage.caught_by & set(outcome.broken))
        missed += not caught
        say(f"{name}: {'red' if caught else 'NOT SEEN'} under {breakage.fault}")
        for check, found in outcome.broken.items():
            say(f"    {check}: {len(found)}")
    return missed


if __name__ == "__main__":
    sys.exit(main())
