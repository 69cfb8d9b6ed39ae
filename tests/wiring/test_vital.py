"""Background work that ends ends its process, unless it is the process that ends it."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, signal
from wiring.vital import vital

async def fails():
    await asyncio.sleep(0)
    raise ValueError("a row nobody can read")

async def returns():
    await asyncio.sleep(0)

async def stays():
    await asyncio.Event().wait()

async def main():
    async with vital(hub={part}(), capacity=stays()):
        {body}
    print("left", flush=True)

asyncio.run(main())
"""


def run(part: str, body: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(part=part, body=body)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("part", ["fails", "returns"])
def test_a_part_that_ends_ends_the_process_and_is_named(part: str) -> None:
    done = run(part, "await asyncio.Event().wait()")

    assert done.returncode == -signal.SIGTERM
    said = done.stdout + done.stderr
    assert "process.part_ended" in said
    assert "hub" in said
    assert ("a row nobody can read" in said) == (part == "fails")


def test_parts_stopped_with_the_block_are_no_reason() -> None:
    done = run("stays", "await asyncio.sleep(0)")

    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")
