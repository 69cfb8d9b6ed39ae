"""The table of a run: per fault, what was in flight, what came of it, how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Row:
    """All times one fault was injected."""

    fault: str
    injected: int = 0
    in_flight: int = 0
    lost: int = 0
    doubled: int = 0
    cut: int = 0
    completed: int = 0
    recoveries: list[float] = field(default_factory=list)


_HEAD = (
    "fault", "times", "in flight", "lost", "doubled",
    "streams cut", "completed", "recovery p50", "p99", "max s",
)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text columns, with their sum."""
    total = Row("all")
    for row in rows:
        total.injected += row.injected
        total.in_flight += row.in_flight
        total.lost += row.lost
        total.doubled += row.doubled
        total.cut += row.cut
        total.completed += row.completed
        total.recoveries += row.recoveries
    lines = [_HEAD, *(_line(row) for row in [*rows, total])]
    widths = [max(len(line[n]) for line in lines) for n in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def _line(row: Row) -> tuple[str, ...]:
    times = (
        [f"{quantile(row.recoveries, share):.2f}" for share in (0.5, 0.99, 1.0)]
        if row.recoveries
        else ["-"] * 3
    )
    counts = (row.injected, row.in_flight, row.lost, row.doubled, row.cut, row.completed)
    return (row.fault, *map(str, counts), *times)
