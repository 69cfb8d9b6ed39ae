"""The supervisor: children are restarted, given up when they cannot start, stopped in time."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from cli.stack.supervisor import Child, KeepsDying, Supervisor

DEADLINE_SECONDS = 30
SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


def child(name: str, program: str) -> Child:
    return Child(name, [sys.executable, "-c", program])


class Screen(list[str]):
    """What the supervisor showed."""

    async def until(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while sum(text in line for line in self) < times:
                await asyncio.sleep(0.01)


@pytest.fixture
async def screen() -> Screen:
    return Screen()


@pytest.fixture
async def supervisor(screen: Screen) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(show=screen.append)
    yield supervisor
    await supervisor.stop(list(supervisor._running), seconds=1)


async def test_a_child_that_dies_is_started_again(supervisor: Supervisor, screen: Screen) -> None:
    supervisor.start(child("worker", SLEEP))
    await screen.until("up")
    process = supervisor._running["worker"].process

    process.send_signal(signal.SIGKILL)

    await screen.until("worker ended with status -9: started again")
    await screen.until("up", times=2)
    assert supervisor._running["worker"].process.pid != process.pid


async def test_a_child_that_keeps_dying_is_given_up_with_its_last_words(
    supervisor: Supervisor, screen: Screen
) -> None:
    supervisor.start(child("worker", "print('no such table'); raise SystemExit(3)"))

    with pytest.raises(KeepsDying, match=r"worker keeps dying \(status 3") as given_up:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await supervisor.watch()

    assert "no such table" in str(given_up.value)


async def test_a_child_that_has_lived_is_never_given_up_only_started_less_often(
    supervisor: Supervisor, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.stack.supervisor._LIVED_SECONDS", 0)
    supervisor.start(child("api", SLEEP))
    supervisor.start(child("worker", "raise SystemExit(3)"))
    watching = asyncio.create_task(supervisor.watch())

    await screen.until("worker ended with status 3: started again in 1.2 s, as it keeps dying")

    assert sum(line == "worker ended with status 3: started again" for line in screen) == 4
    assert not watching.done()
    assert supervisor._running["api"].process.returncode is None
    watching.cancel()


async def test_stopping_is_asked_for_first(supervisor: Supervisor, screen: Screen) -> None:
    supervisor.start(child("api", SLEEP))
    await screen.until("up")
    process = supervisor._running["api"].process

    await supervisor.stop(["api"], seconds=DEADLINE_SECONDS)

    assert process.returncode == -signal.SIGTERM


async def test_who_does_not_listen_is_killed(supervisor: Supervisor, screen: Screen) -> None:
    supervisor.start(child("api", STUBBORN))
    await screen.until("up")
    process = supervisor._running["api"].process

    await supervisor.stop(["api"], seconds=0.2)

    assert process.returncode == -signal.SIGKILL
    assert "api did not stop within 0.2 s: killed" in screen


async def test_children_of_a_killed_parent_end_too(screen: Screen) -> None:
    program = (
        "import asyncio, sys\n"
        "from cli.stack.supervisor import Child, Supervisor\n"
        "async def main():\n"
        "    supervisor = Supervisor(show=lambda line: None)\n"
        f"    supervisor.start(Child('c', [sys.executable, '-c', {SLEEP!r}]))\n"
        "    while not supervisor._running['c'].said: await asyncio.sleep(0.01)\n"
        "    print(supervisor._running['c'].process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    if sys.platform == "linux":
        async with asyncio.timeout(DEADLINE_SECONDS):
            while _alive(pid):
                await asyncio.sleep(0.01)


def _alive(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
