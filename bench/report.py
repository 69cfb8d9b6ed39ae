"""One table for people, one JSON file for programs."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_FILE_WIDTH = 120


@dataclass(slots=True)
class Measure:
    """One line of the table: what each run measured; `target` and its bounds where one is set."""

    section: str
    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    at_least: float | None = None
    at_most: float | None = None
    absent: str = ""

    @property
    def value(self) -> float | None:
        return statistics.median(self.values) if self.values else None

    @property
    def target(self) -> str:
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return " ".join(f"{sign} {_short(bound)}" for sign, bound in bounds if bound is not None)

    @property
    def reached(self) -> bool | None:
        """Whether the median keeps within the bounds; None where there is nothing to judge."""
        if self.value is None or not self.target:
            return None
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)


@dataclass(slots=True)
class Report:
    """What one or several runs measured, in the order it is shown."""

    title: str = "Orders"
    settings: dict[str, object] = field(default_factory=dict)
    measures: list[Measure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _section: str = ""

    def section(self, name: str) -> None:
        """Put what is added from now on under a heading of its own."""
        self._section = name

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """Add what a run measured; runs that measure the same are one line, by their median."""
        for measure in self.measures:
            if (measure.section, measure.name) == (self._section, name):
                measure.values.append(value)
                return
        self.measures.append(
            Measure(self._section, name, unit, [value], at_least=at_least, at_most=at_most)
        )

    def add_percentiles(
        self, name: str, values: Sequence[float], unit: str, *, at_most: Sequence[float | None]
    ) -> None:
        """Add p50 and p99; `at_most` has the bound of each."""
        for percent, bound in zip((50, 99), at_most, strict=True):
            self.add(f"{name}, p{percent}", percentile(values, percent), unit, at_most=bound)

    def add_absent(self, name: str, why: str) -> None:
        """Say that something cannot be measured here."""
        if not any((m.section, m.name) == (self._section, name) for m in self.measures):
            self.measures.append(Measure(self._section, name, "", absent=why))

    def show(self, before: Path | None = None) -> None:
        """Print the table, beside it what another run wrote to its JSON file."""
        known = _values(json.loads(before.read_text())) if before else {}
        table = Table(title=self.title, caption="\n".join(self.notes), caption_justify="left")
        table.add_column("measure")
        for heading in (*(["before"] if before else []), "value"):
            table.add_column(heading, justify="right")
        for heading in ("unit", "target", "least to most"):
            table.add_column(heading)
        section = ""
        for measure in self.measures:
            if measure.section != section:
                section = measure.section
                table.add_section()
                table.add_row(f"[bold]{section}")
            earlier = known.get((measure.section, measure.name))
            color = {True: "green", False: "red", None: ""}[measure.reached]
            table.add_row(
                f"  {measure.name}" if section else measure.name,
                *([_short(earlier)] if before else []),
                measure.absent or _short(measure.value),
                *(measure.unit, measure.target, _spread(measure.values)),
                style=color,
            )
        console = Console()
        (console if console.is_terminal else Console(width=_FILE_WIDTH)).print(table)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        measures = [
            {**asdict(m), "value": m.value, "target": m.target, "reached": m.reached}
            for m in self.measures
        ]
        shown = {"title": self.title, "settings": self.settings, "notes": self.notes}
        path.write_text(json.dumps({**shown, "measures": measures}, indent=2) + "\n")


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the percentile of at least one value, 1 … 99."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _values(written: dict[str, Any]) -> dict[tuple[str, str], float | None]:
    return {(m["section"], m["name"]): m["value"] for m in written["measures"]}


def _spread(values: Sequence[float]) -> str:
    return f"{_short(min(values))} to {_short(max(values))}" if len(values) > 1 else ""


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
