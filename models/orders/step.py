"""What the store is asked to do to orders: accept one, or move one a step on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from engine.orders.status import OrderStatus, OrderType
from models.orders.columns import Asked, Learned, OnlyTold, Told, Untold


class NewOrder(Asked, Learned):
    """An order as validated at the edge, not yet accepted. Amounts in atoms."""

    model_config = ConfigDict(frozen=True)  # type: ignore[assignment]

    id: UUID
    venues: list[str] = Field(default_factory=list)
    allow_split: bool = True
    life_ms: int | None = None
    """How long it waits where `expires_at` is not given, by the database's clock."""


class Step(Told, OnlyTold, Untold, Learned):
    """One move of one order, and the fence it must pass: `sequence` and `previous` as last seen.

    What it does not say leaves the order's own as it is, or empties it: see OnStep. `lease_ms` is
    how long the sweep leaves the order alone; `lease_holder` the message that works on it, None
    where nobody does yet.

    A step from ROUTING to SUBMITTED is two in one, by way of BUILDING: nothing can come between
    them, and each has its event.
    """

    model_config = ConfigDict(frozen=True)  # type: ignore[assignment]

    order_id: UUID
    sequence: int
    previous: OrderStatus
    status: OrderStatus
    attempt: int
    lease_holder: str | None = None
    lease_ms: int = 0


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders of an account; None means any, an empty tuple none at all."""

    statuses: tuple[OrderStatus, ...] | None = None
    types: tuple[OrderType, ...] | None = None
    token_in: str | None = None
    token_out: str | None = None
    venue: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """An order's place in the history, which never changes."""

    created_at: datetime
    id: UUID
