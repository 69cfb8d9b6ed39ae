"""`make faults`: the long form, or with --short the one that is part of the tests."""

import argparse
import asyncio
import logging
import random
import sys
import time

from tests.faults.run import Plan, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="of the mixture")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--rate", type=float, default=8, help="orders placed each second")
    parser.add_argument("--short", action="store_true", help="small delays, and no mixture")
    parser.add_argument("--only", action="append", help="this fault only; repeatable")
    parser.add_argument("--breakage", help="with the engine broken on purpose like this")
    asked = parser.parse_args()
    began = time.monotonic()
    logging.getLogger("gql").setLevel(logging.ERROR)
    logging.getLogger("websockets").setLevel(logging.ERROR)

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)  # noqa: T201

    plan = Plan(
        asked.seed,
        minutes=0 if asked.short or asked.only else asked.minutes,
        per_second=asked.rate,
        fast=asked.short,
    )
    if asked.short:
        plan = Plan(asked.seed, per_second=asked.rate, end_seconds=45, fast=True)
    say(f"seed {asked.seed}")
    from tests.faults.injectors import LONG, ONCE

    known = {**LONG, **ONCE}
    faults = {name: known[name] for name in asked.only} if asked.only else None
    outcome = asyncio.run(run(plan, say=say, faults=faults, breakage=asked.breakage))
    say(f"seed {asked.seed}\n{outcome}")
    return int(bool(outcome.broken))


if __name__ == "__main__":
    sys.exit(main())
