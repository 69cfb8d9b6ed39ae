"""The tables of orders and their events, made of the columns that .columns declares."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Index,
    Integer,
    MetaData,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlmodel import Field, SQLModel

from engine.orders.status import TERMINAL, WAITING, OrderStatus, OrderType
from engine.swaps.simulation import NO_FAULTS
from engine.swaps.swap import Swap
from engine.tokens import GENESIS, TokenList
from models.columns import TIMESTAMP, Name
from models.orders.columns import (
    Asked,
    Learned,
    Leased,
    OnlyTold,
    Told,
    Untold,
    column,
    derived,
    optional,
)
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


def _partial(name: str, columns: str, only: str) -> Index:
    return Index(f"ix_orders_{name}", *columns.split(), postgresql_where=only)


class Order(Asked, Learned, Told, Untold, Leased, table=True):
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
        Index(None, "account", "type", "created_at", "id"),
        Index(None, "account", "token_in", "created_at", "id"),
        Index(None, "account", "token_out", "created_at", "id"),
        # No index holds what a step changes while an order is under way: its updates stay in
        # their page, and touch no index at all (HOT).
        _partial("account_ended", "account ended_as created_at id", "ended_as IS NOT NULL"),
        _partial("account_ended_on", "account ended_on created_at id", "ended_on IS NOT NULL"),
        _partial("live", "account created_at id", "ended_as IS NULL"),
        # What the sweep and the confirmation look at: only orders still on their way.
        _partial("under_way", "created_at id", "ended_as IS NULL AND waits IS NULL"),
        # What rests: by pair and price, so that a look at the market reads only what is near it.
        _partial(
            "waiting_price",
            "token_in token_out limit_price created_at id",
            "waits = 'WAITING_PRICE'",
        ),
        _partial("waiting_pool", "token_in token_out created_at id", "waits = 'WAITING_POOL'"),
        _partial("expiry", "expires_at", "ended_as IS NULL AND expires_at IS NOT NULL"),
    )

    id: UUID = Field(sa_type=Uuid, primary_key=True)
    status: OrderStatus = column(Name(OrderStatus))
    sequence: int = column(Integer)
    attempts: int = column(Integer)
    created_at: datetime = column(TIMESTAMP, server_default=func.now())
    updated_at: datetime = column(TIMESTAMP, server_default=func.now())
    completed_at: datetime | None = optional(TIMESTAMP)

    # Of the status and venue, what indexes may hold: NULL until it changes no more, or rests.
    ended_as: str | None = derived(f"CASE WHEN {one_of('status', TERMINAL)} THEN status END")
    ended_on: str | None = derived(f"CASE WHEN {one_of('status', TERMINAL)} THEN venue END")
    waits: str | None = derived(f"CASE WHEN {one_of('status', WAITING)} THEN status END")

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def tokens(self) -> TokenList:
        """The tokens known to whoever reads the order: it brings those launched since along."""
        return GENESIS.with_launched(self.launched_tokens or ())

    @property
    def swap(self) -> Swap:
        """What the present attempt is to trade."""
        return self.swap_by(self.tokens)

    def swap_by(self, tokens: TokenList) -> Swap:
        """Return the swap by a list that may know tokens which the order does not know yet."""
        simulation = self.simulation or NO_FAULTS
        return Swap(
            token_in=tokens.of_mint(self.token_in),
            token_out=tokens.of_mint(self.token_out),
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
        return Step.model_construct(**{**here, "attempt": self.attempts, "status": status, **known})


class OrderEventRow(Told, OnlyTold, table=True):
    """One step of an order; the row form of engine.orders.event.OrderEvent."""

    __tablename__ = "order_events"
    __table_args__ = (
        CheckConstraint(one_of("status", OrderStatus), name="status"),
        CheckConstraint("sequence >= 1", name="sequence"),
        # Events are only ever added, so blocks of them are stretches of time: almost no cost.
        Index(None, "occurred_at", postgresql_using="brin"),
    )

    # Whose it is, the guards see to: once per statement, not per row as a foreign key would.
    order_id: UUID = Field(sa_type=Uuid, primary_key=True)
    sequence: int = Field(
        sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    status: OrderStatus = column(Name(OrderStatus))
    previous_status: OrderStatus | None = optional(Name(OrderStatus))
    attempt: int = column(Integer)
    occurred_at: datetime = column(TIMESTAMP)
