"""An order's columns, each declared once, by what it is for.

Tables, statements, codecs, events and guards are derived from these classes. A new column is one
line here, one where its value comes from, and a migration.
"""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Boolean, Computed, Integer, LargeBinary, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from engine.errors import Failure
from engine.orders.status import OrderType
from engine.swaps.simulation import Simulation
from engine.swaps.swap import RouteLeg, VenueQuote
from engine.tokens import Token
from models.columns import TIMESTAMP, Atoms, Json, Name


class OnStep(Enum):
    """What a step does to a column of the order's row."""

    AFRESH = "afresh"
    """Kept until another value comes; gone where an attempt begins afresh."""
    RAISED = "raised"
    """Never lowered."""
    KEPT = "kept"
    """Kept until another value comes."""
    OF_THIS_STEP = "of this step"
    """What this step says, or nothing."""


def column(type_: Any, **options: Any) -> Any:
    """Declare a column that always has a value."""
    return Field(sa_type=type_, nullable=False, sa_column_kwargs=options)


def optional(type_: Any, on_step: OnStep | None = None) -> Any:
    """Declare a column that may be NULL, and what a step does to it."""
    info = {} if on_step is None else {"on_step": on_step}
    return Field(default=None, sa_type=type_, nullable=True, sa_column_kwargs={"info": info})


def derived(expression: str) -> Any:
    """Declare a column that Postgres computes of others; nobody writes it."""
    return Field(
        default=None,
        sa_type=Text,
        nullable=True,
        sa_column_args=[Computed(expression, persisted=True)],
    )


class Asked(SQLModel):
    """What was asked: it never changes, and the database refuses to change it. Amounts in atoms."""

    account: str = column(Text)
    client_order_id: str = column(Text)
    request_digest: str = column(Text)
    request_id: str = column(Text)
    type: OrderType = column(Name(OrderType))
    token_in: str = column(Text)
    token_out: str = column(Text)
    amount_in: int = column(Atoms)
    slippage_bps: int = column(Integer)
    max_price_impact_bps: int | None = optional(Integer)
    venues: list[str] = column(ARRAY(Text), server_default="{}")
    allow_split: bool = column(Boolean, server_default="true")
    simulation: Simulation | None = optional(Json(Simulation))  # None where nothing is to fail
    limit_price: Decimal | None = optional(Numeric)
    max_price: Decimal | None = optional(Numeric)
    min_liquidity: int | None = optional(Atoms)
    expires_at: datetime | None = optional(TIMESTAMP)


class Learned(SQLModel):
    """What may be known from the beginning, and is known better later."""

    min_amount_out: int | None = optional(Atoms, OnStep.RAISED)
    # Tokens launched since the devnet began, so that every reader knows their decimals.
    launched_tokens: tuple[Token, ...] | None = optional(Json(tuple[Token, ...]), OnStep.KEPT)


class Told(SQLModel):
    """What a step finds out: part of its event, and of the row until another step says more."""

    venue: str | None = optional(Text, OnStep.AFRESH)
    route: tuple[RouteLeg, ...] | None = optional(Json(tuple[RouteLeg, ...]), OnStep.AFRESH)
    quoted_price: Decimal | None = optional(Numeric, OnStep.AFRESH)
    tx_signature: str | None = optional(Text, OnStep.AFRESH)
    executed_price: Decimal | None = optional(Numeric, OnStep.OF_THIS_STEP)
    amount_out: int | None = optional(Atoms, OnStep.OF_THIS_STEP)
    failure: Failure | None = optional(Json(Failure), OnStep.OF_THIS_STEP)


class OnlyTold(SQLModel):
    """What a step finds out for its event alone."""

    quotes: tuple[VenueQuote, ...] | None = optional(Json(tuple[VenueQuote, ...]))
    best_price: Decimal | None = optional(Numeric)


class Untold(SQLModel):
    """What a step finds out for the row alone."""

    signed_transaction: bytes | None = optional(LargeBinary, OnStep.AFRESH)
    last_valid_slot: int | None = optional(Integer, OnStep.AFRESH)
    fee: int | None = optional(Atoms, OnStep.OF_THIS_STEP)
    slot: int | None = optional(Integer, OnStep.OF_THIS_STEP)


class Leased(SQLModel):
    """Who works on the next step, until when. Nobody: the sweep sends it again after that."""

    lease_holder: str | None = optional(Text)
    lease_until: datetime = column(TIMESTAMP)
    leases_lost: int = column(Integer, server_default="0")
