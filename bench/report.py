"""One table for people, one JSON file for programs."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table; `target` and `reached` where one is set."""

    name: str
    value: float
    unit: str
    target: str = ""
    reached: bool | None = None


@dataclass(slots=True)
class Report:
    """What a run measured, in the order it is shown."""

    title: str = "Orders"
    settings: dict[str, object] = field(default_factory=dict)
    measures: list[Measure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        reached, target = None, ""
        if at_least is not None:
            reached, target = value >= at_least, f"at least {at_least:g}"
        elif at_most is not None:
            reached, target = value <= at_most, f"at most {at_most:g}"
        self.measures.append(Measure(name, value, unit, target, reached))

    def show(self) -> None:
        """Print the table."""
        table = Table(title=self.title, caption="\n".join(self.notes), caption_justify="left")
        for heading, justify in (("measure", "left"), ("value", "right"), ("unit", "left")):
            table.add_column(heading, justify=justify)  # type: ignore[arg-type]
        table.add_column("target")
        for measure in self.measures:
            color = {True: "green", False: "red", None: ""}[measure.reached]
            table.add_row(
                measure.name, _short(measure.value), measure.unit, measure.target, style=color
            )
        Console().print(table)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the percentile of at least one value, 1 … 99."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
