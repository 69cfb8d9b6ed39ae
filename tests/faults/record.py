"""What a client knows of one order."""

from dataclasses import dataclass, field

from tests.faults.hooks import POISON


@dataclass(slots=True)
class Record:
    """What a client knows of one order."""

    client_order_id: str
    began: float
    ids: set[str] = field(default_factory=set)
    answered: float = 0.0
    refusals: list[str] = field(default_factory=list)
    events: list[tuple[int, str, int, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    ended: float = 0.0
    cancel_said: str | None = None

    @property
    def id(self) -> str | None:
        return next(iter(self.ids), None)

    @property
    def status(self) -> str | None:
        return self.events[-1][1] if self.events else None


def is_poison(record: Record) -> bool:
    return record.client_order_id.startswith(POISON)
