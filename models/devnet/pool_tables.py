"""The tables of the devnet's pools, and of what the market did with them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from engine.pools.listed import PoolKind
from models.columns import TIMESTAMP, Name
from models.orders.tables import one_of

CANDLE_SECONDS = 5
"""The length of a stored candle; longer ones are made of these."""

_UNBOUNDED = Numeric(40, 0)


class PoolRow(SQLModel, table=True):
    """A pool as it is now; `state` is a pydantic dump of the engine's own type for its kind."""

    __tablename__ = "pools"
    __table_args__ = (CheckConstraint(one_of("kind", PoolKind), name="kind"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    venue: str = Field(sa_column=Column(Text, nullable=False))
    kind: PoolKind = Field(sa_column=Column(Name(PoolKind), nullable=False))
    token_x: str = Field(sa_column=Column(Text, nullable=False))
    token_y: str = Field(sa_column=Column(Text, nullable=False))
    state: Any = Field(sa_column=Column(JSONB, nullable=False))
    fees_x: int = Field(sa_column=Column(_UNBOUNDED, nullable=False))
    fees_y: int = Field(sa_column=Column(_UNBOUNDED, nullable=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    # The token that came with the pool, where it is none the devnet began with.
    launched_token: Any = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))


class LaunchedToken(SQLModel, table=True):
    """A token that came to the devnet: nobody else has its mint, and nobody its symbol."""

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint("decimals BETWEEN 0 AND 12", name="decimals"),)

    mint: str = Field(sa_column=Column(Text, primary_key=True))
    symbol: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    decimals: int = Field(sa_column=Column(Integer, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))


class CandleRow(SQLModel, table=True):
    """The prices, in whole units of Y per X, and volumes, in atoms, of CANDLE_SECONDS."""

    __tablename__ = "candles"

    token_x: str = Field(sa_column=Column(Text, primary_key=True))
    token_y: str = Field(sa_column=Column(Text, primary_key=True))
    opened_at: datetime = Field(sa_column=Column(TIMESTAMP, primary_key=True))
    open: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    high: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    low: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    close: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    volume_x: int = Field(sa_column=Column(_UNBOUNDED, nullable=False))
    volume_y: int = Field(sa_column=Column(_UNBOUNDED, nullable=False))


class MarketBalance(SQLModel, table=True):
    """What the market's own traders gained of a token, in atoms; below zero what they paid."""

    __tablename__ = "market_balances"

    mint: str = Field(sa_column=Column(Text, primary_key=True))
    atoms: int = Field(sa_column=Column(_UNBOUNDED, nullable=False))
