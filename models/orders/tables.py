"""The tables of orders and their events."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from engine.errors import Failure
from engine.orders.status import IN_PROGRESS, NOT_SENT, TERMINAL, OrderStatus, OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation
from engine.swaps.swap import RouteLeg, Swap, VenueQuote
from engine.tokens import Token, token_or_stranger
from models.columns import TIMESTAMP, Atoms, Json, Name
from models.orders.step import Step

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata


def one_of(column: str, values: Any) -> str:
    """Return the CHECK text that keeps `column` to `values`."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in sorted(values))})"


def _column(type_: Any, *args: Any, **options: Any) -> Any:
    return Field(sa_column=Column(type_, *args, **{"nullable": False, **options}))


def _optional(type_: Any) -> Any:
    return Field(default=None, sa_column=Column(type_, nullable=True))


class Order(SQLModel, table=True):
    """One order: what was asked, where it stands, and what came of it. Amounts in atoms."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("account", "client_order_id"),
        CheckConstraint(one_of("status", OrderStatus), name="status"),
        CheckConstraint(one_of("type", OrderType), name="type"),
        CheckConstraint("sequence >= 1 AND attempts >= 0", name="counters"),
        CheckConstraint("amount_in BETWEEN 1 AND 18446744073709551615", name="amount_in"),
        # History pages are keyset scans of one of these, newest first by scanning backwards.
        Index(None, "account", "created_at", "id"),
        Index(None, "account", "status", "created_at", "id"),
        Index(None, "account", "type", "created_at", "id"),
        Index(None, "account", "token_in", "created_at", "id"),
        Index(None, "account", "token_out", "created_at", "id"),
        Index(None, "account", "venue", "created_at", "id"),
        # What the sweep and the confirmation look at: only orders still on their way.
        Index("ix_orders_lease", "lease_until", postgresql_where=one_of("status", IN_PROGRESS)),
        Index("ix_orders_submitted", "updated_at", "id", postgresql_where="status = 'SUBMITTED'"),
        # What rests: by pair and price, so that a look at the market reads only what is near it.
        Index(
            "ix_orders_waiting_price",
            *("token_in", "token_out", "limit_price", "created_at", "id"),
            postgresql_where="status = 'WAITING_PRICE'",
        ),
        Index(
            "ix_orders_waiting_pool",
            *("token_in", "token_out", "created_at", "id"),
            postgresql_where="status = 'WAITING_POOL'",
        ),
        Index("ix_orders_expiry", "expires_at", postgresql_where=one_of("status", NOT_SENT)),
    )

    id: UUID = _column(Uuid, primary_key=True)
    account: str = _column(Text)
    client_order_id: str = _column(Text)
    request_digest: str = _column(Text)
    request_id: str = _column(Text)

    type: OrderType = _column(Name(OrderType))
    status: OrderStatus = _column(Name(OrderStatus))
    token_in: str = _column(Text)
    token_out: str = _column(Text)
    amount_in: int = _column(Atoms)
    slippage_bps: int = _column(Integer)
    min_amount_out: int | None = _optional(Atoms)
    max_price_impact_bps: int | None = _optional(Integer)
    venues: list[str] = _column(ARRAY(Text), server_default="{}")
    allow_split: bool = _column(Boolean, server_default="true")
    simulation: Simulation | None = _optional(Json(Simulation))  # None where nothing is to fail
    # Tokens launched since the devnet began, so that every reader knows their decimals.
    launched_tokens: tuple[Token, ...] | None = _optional(Json(tuple[Token, ...]))
    limit_price: Decimal | None = _optional(Numeric)
    max_price: Decimal | None = _optional(Numeric)
    min_liquidity: int | None = _optional(Atoms)
    expires_at: datetime | None = _optional(TIMESTAMP)

    sequence: int = _column(Integer)
    attempts: int = _column(Integer)
    venue: str | None = _optional(Text)
    route: tuple[RouteLeg, ...] | None = _optional(Json(tuple[RouteLeg, ...]))
    quoted_price: Decimal | None = _optional(Numeric)
    tx_signature: str | None = _optional(Text)
    signed_transaction: bytes | None = _optional(LargeBinary)
    last_valid_slot: int | None = _optional(Integer)
    executed_price: Decimal | None = _optional(Numeric)
    amount_out: int | None = _optional(Atoms)
    fee: int | None = _optional(Atoms)
    slot: int | None = _optional(Integer)
    failure: Failure | None = _optional(Json(Failure))

    # Who works on the next step, until when. Nobody: the sweep sends it again after lease_until.
    lease_holder: str | None = _optional(Text)
    lease_until: datetime = _column(TIMESTAMP)
    leases_lost: int = _column(Integer, server_default="0")

    created_at: datetime = _column(TIMESTAMP, server_default=func.now())
    updated_at: datetime = _column(TIMESTAMP, server_default=func.now())
    completed_at: datetime | None = _optional(TIMESTAMP)

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def swap(self) -> Swap:
        """What the present attempt is to trade."""
        simulation = self.simulation or NO_FAULTS
        return Swap(
            token_in=token_or_stranger(self.token_in),
            token_out=token_or_stranger(self.token_out),
            amount_in=self.amount_in,
            venues=tuple(self.venues),
            max_price_impact_bps=self.max_price_impact_bps,
            allow_split=self.allow_split,
            min_liquidity=self.min_liquidity or 0,
            fault=simulation.fault(self.attempts),
            extra_latency_ms=simulation.extra_latency_ms,
        )

    def step_to(self, status: OrderStatus, **known: Any) -> Step:
        """Return the step from here to `status`, in this attempt unless `known` says another."""
        here = {"order_id": self.id, "sequence": self.sequence, "previous": self.status}
        return Step.model_validate({**here, "attempt": self.attempts, "status": status, **known})


class OrderEventRow(SQLModel, table=True):
    """One step of an order; the row form of engine.orders.event.OrderEvent."""

    __tablename__ = "order_events"
    __table_args__ = (
        CheckConstraint(one_of("status", OrderStatus), name="status"),
        CheckConstraint("sequence >= 1", name="sequence"),
        # Events are only ever added, so blocks of them are stretches of time: almost no cost.
        Index(None, "occurred_at", postgresql_using="brin"),
    )

    order_id: UUID = _column(Uuid, ForeignKey("orders.id"), primary_key=True)
    sequence: int = _column(Integer, primary_key=True, autoincrement=False)
    status: OrderStatus = _column(Name(OrderStatus))
    previous_status: OrderStatus | None = _optional(Name(OrderStatus))
    attempt: int = _column(Integer)
    occurred_at: datetime = _column(TIMESTAMP)
    quotes: tuple[VenueQuote, ...] | None = _optional(Json(tuple[VenueQuote, ...]))
    route: tuple[RouteLeg, ...] | None = _optional(Json(tuple[RouteLeg, ...]))
    venue: str | None = _optional(Text)
    quoted_price: Decimal | None = _optional(Numeric)
    best_price: Decimal | None = _optional(Numeric)
    tx_signature: str | None = _optional(Text)
    executed_price: Decimal | None = _optional(Numeric)
    amount_out: int | None = _optional(Atoms)
    failure: Failure | None = _optional(Json(Failure))
