"""What processes use: CPU time and memory, by name."""

from collections.abc import Mapping

import psutil

_MB = 1_000_000


def cpu_seconds(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return the CPU time each has used so far, its children included: Postgres has a backend for
    every connection, and those that ended are in the postmaster's account."""
    return {name: _with_children(process) for name, process in processes.items()}


def own_cpu_seconds() -> float:
    """Return the CPU time the bench itself has used so far."""
    return _own(psutil.Process())


def cpu_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after}


def memory_mb(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return resident memory; of Postgres, whose backends share much of theirs, each page once."""
    resident = {
        name: process.memory_info().rss / _MB
        for name, process in processes.items()
        if name != "postgres"
    }
    if "postgres" in processes:
        postmaster = processes["postgres"]
        family = [postmaster, *postmaster.children()]
        resident["postgres"] = sum(_proportional(process) for process in family) / _MB
    return resident


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _with_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    used = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        try:
            used += _own(child)
        except psutil.NoSuchProcess:
            continue  # from now on it counts among its parent's ended children
    return float(used)


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
