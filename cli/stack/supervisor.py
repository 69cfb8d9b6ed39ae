"""Keep child processes running: restart one that dies, give up on one that cannot start."""

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from cli.stack.private import open_own

_DEATHS_ALLOWED = 4
_WITHIN_SECONDS = 60
_LIVED_SECONDS = 10
_RESTART_SECONDS = 0.3
_LONGEST_PAUSE_SECONDS = 30
_KEPT_LINES = 20
_PR_SET_PDEATHSIG = 1


class KeepsDying(Exception):
    """A process died again and again and never lived; the message holds the last it said."""


@dataclass(frozen=True, slots=True)
class Child:
    """How to run one process. Its output is shown line by line, or goes to `log`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    log: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def group(self) -> int | None:
        return None if self.user is None else pwd.getpwnam(self.user).pw_gid


@dataclass(slots=True)
class _Running:
    child: Child
    keeper: asyncio.Task[None] | None = None
    process: asyncio.subprocess.Process | None = None
    said: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    deaths: deque[float] = field(default_factory=deque)  # of the last minute
    has_lived: bool = False
    stopping: bool = False


class Supervisor:
    """Starts children and watches over them until told to stop."""

    def __init__(self, *, show: Callable[[str], None] = typer.echo) -> None:
        self._show = show
        self._running: dict[str, _Running] = {}
        self._given_up: asyncio.Queue[KeepsDying] = asyncio.Queue()

    def start(self, child: Child) -> None:
        """Start a child and keep it running from now on."""
        running = _Running(child)
        running.keeper = asyncio.create_task(self._keep(running), name=child.name)
        self._running[child.name] = running

    async def watch(self, *waiting: asyncio.Task[object]) -> None:
        """Return when one of `waiting` is done. Raises KeepsDying when a child is given up."""
        given_up = asyncio.create_task(self._given_up.get())
        await asyncio.wait({given_up, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        if given_up.done():
            raise given_up.result()
        given_up.cancel()

    async def stop(self, names: Sequence[str], *, seconds: float) -> None:
        """Stop these children together; by force those that take longer than `seconds`."""
        await asyncio.gather(
            *(self._stop(self._running[n], seconds) for n in names if n in self._running)
        )

    async def _stop(self, running: _Running, seconds: float) -> None:
        running.stopping = True
        process, keeper = running.process, running.keeper
        assert keeper is not None
        if process is None or process.returncode is not None:
            keeper.cancel()
        else:
            process.send_signal(running.child.stop_signal)
        done, _ = await asyncio.wait({keeper}, timeout=seconds)
        if not done and process is not None:
            self._show(f"{running.child.name} did not stop within {seconds:g} s: killed")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.wait({keeper})
        with contextlib.suppress(asyncio.CancelledError):
            keeper.result()

    async def _keep(self, running: _Running) -> None:
        child = running.child
        while not running.stopping:
            born = time.monotonic()
            code = await self._run_once(running)
            if running.stopping:
                return
            too_many = _count_death(running, born)
            # What has lived may live again, and the rest is well without it; what never did keeps
            # the whole stack from starting, and somebody should read why.
            if too_many > 0 and not running.has_lived:
                self._given_up.put_nowait(KeepsDying(_obituary(running, code)))
                return
            pause = min(_RESTART_SECONDS * 2 ** max(too_many, 0), _LONGEST_PAUSE_SECONDS)
            later = f" in {pause:g} s, as it keeps dying" if too_many > 0 else ""
            self._show(f"{child.name} ended with status {code}: started again{later}")
            await asyncio.sleep(pause)

    async def _run_once(self, running: _Running) -> int:
        child = running.child
        log = None if child.log is None else open_own(child.log, "a")
        try:
            running.process = await asyncio.create_subprocess_exec(
                *child.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log or asyncio.subprocess.PIPE,
                stderr=log or asyncio.subprocess.STDOUT,
                env=child.environment,
                # A session of its own: Ctrl-C reaches only us, and we stop children in order.
                start_new_session=True,
                user=child.user,
                group=child.group,
                extra_groups=None if child.user is None else [],
                umask=-1 if child.log is None else 0o077,
                preexec_fn=end_with_parent(child.stop_signal),
            )
        finally:
            if log is not None:
                log.close()
        if running.process.stdout is not None:
            async for line in running.process.stdout:
                text = line.decode(errors="replace").rstrip()
                running.said.append(text)
                self._show(text)
        return await running.process.wait()


def _count_death(running: _Running, born: float) -> int:
    """Note that one died that was started at `born`; return how many deaths were too many."""
    now = time.monotonic()
    running.has_lived |= now - born >= _LIVED_SECONDS
    running.deaths.append(now)
    while now - running.deaths[0] > _WITHIN_SECONDS:
        running.deaths.popleft()
    return len(running.deaths) - _DEATHS_ALLOWED


def _obituary(running: _Running, code: int) -> str:
    child = running.child
    if child.log is not None:
        running.said.extend(child.log.read_text(errors="replace").splitlines())
    last = "\n".join(f"    {line}" for line in running.said)
    return (
        f"{child.name} keeps dying (status {code}, {len(running.deaths)} times within "
        f"{_WITHIN_SECONDS} s). It last said:\n{last}"
    )


def end_with_parent(how: signal.Signals) -> Callable[[], None] | None:
    """Return what makes a child, on Linux, get signal `how` when its parent is killed.

    Elsewhere a killed parent leaves its children; the next start finds and stops its servers.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(how))
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), how)

    return in_child
