"""What the store is asked to do to orders: accept one, or move one a step on."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, field_serializer

from engine.errors import Failure
from engine.orders.status import OrderStatus, OrderType
from engine.swaps.simulation import Simulation
from engine.swaps.swap import RouteLeg, VenueQuote
from engine.tokens import Token


class NewOrder(BaseModel):
    """An order as validated at the edge, not yet accepted. Amounts in atoms."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    account: str
    client_order_id: str
    request_digest: str
    request_id: str
    type: OrderType
    token_in: str
    token_out: str
    amount_in: int
    slippage_bps: int
    min_amount_out: int | None = None
    max_price_impact_bps: int | None = None
    limit_price: Decimal | None = None
    max_price: Decimal | None = None
    min_liquidity: int | None = None
    expires_at: datetime | None = None
    life_ms: int | None = None
    """How long it waits where `expires_at` is not given, by the database's clock."""
    launched_tokens: tuple[Token, ...] | None = None
    venues: tuple[str, ...] = ()
    allow_split: bool = True
    simulation: Simulation | None = None


class Step(BaseModel):
    """One move of one order, and the fence it must pass: `sequence` and `previous` as last seen.

    The fields after `lease_ms` are the event's; those None leave the order's own as they are,
    except that ROUTING begins an attempt afresh. `lease_ms` is how long the sweep leaves the
    order alone; `lease_holder` the message that works on it, None where nobody does yet.
    """

    model_config = ConfigDict(frozen=True)

    order_id: UUID
    sequence: int
    previous: OrderStatus
    status: OrderStatus
    attempt: int
    lease_holder: str | None = None
    lease_ms: int = 0
    quotes: tuple[VenueQuote, ...] = ()
    route: tuple[RouteLeg, ...] = ()
    venue: str | None = None
    quoted_price: Decimal | None = None
    best_price: Decimal | None = None
    tx_signature: str | None = None
    signed_transaction: bytes | None = None
    last_valid_slot: int | None = None
    min_amount_out: int | None = None
    executed_price: Decimal | None = None
    amount_out: int | None = None
    fee: int | None = None
    slot: int | None = None
    failure: Failure | None = None
    launched_tokens: tuple[Token, ...] | None = None

    @field_serializer("signed_transaction")
    def _as_bytea(self, value: bytes | None) -> str | None:
        return None if value is None else "\\x" + value.hex()


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
