"""The devnet's chain: its slot and its transactions.

It knows nothing of orders, which makes it a witness: a transaction's memo is all that links the
two, and only for people and checks.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
)
from sqlmodel import Field, SQLModel

from engine.swaps.swap import RouteLeg
from engine.swaps.transaction import TransactionState
from models.columns import TIMESTAMP, Atoms, Json, Name
from models.orders.tables import one_of

OUTCOMES = (
    TransactionState.LANDED,
    TransactionState.REVERTED,
    TransactionState.DROPPED,
    TransactionState.EXPIRED,
)


class Devnet(SQLModel, table=True):
    """One row: the current slot, and when it began. Locking it is the right to change pools.

    `revision` grows with every change of a pool, so that a reader asks only for what is new.
    """

    __tablename__ = "devnet"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    slot: int = Field(sa_column=Column(Integer, nullable=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))
    slot_began_at: datetime = Field(
        sa_column=Column(TIMESTAMP, nullable=False, server_default=func.now())
    )


class LedgerTransaction(SQLModel, table=True):
    """A transaction the chain took; `outcome` is set once, by the slot that executed it."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        CheckConstraint("(outcome = 'LANDED') = (amount_out IS NOT NULL)", name="landed_amount"),
        Index(
            "ix_ledger_transactions_due",
            "land_slot",
            "position",
            postgresql_where="outcome IS NULL",
        ),
        Index(None, "memo"),
    )

    signature: str = Field(sa_column=Column(Text, primary_key=True))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    venue: str = Field(sa_column=Column(Text, nullable=False))
    memo: str = Field(sa_column=Column(Text, nullable=False))
    token_in: str = Field(sa_column=Column(Text, nullable=False))
    token_out: str = Field(sa_column=Column(Text, nullable=False))
    amount_in: int = Field(sa_column=Column(Atoms, nullable=False))
    land_slot: int = Field(sa_column=Column(Integer, nullable=False))
    # Transactions of one slot are executed in the order they came.
    position: int = Field(sa_column=Column(BigInteger, Identity(), nullable=False))
    submitted_at: datetime = Field(
        sa_column=Column(TIMESTAMP, nullable=False, server_default=func.now())
    )
    outcome: TransactionState | None = Field(sa_column=Column(Name(TransactionState)))
    code: str | None = Field(sa_column=Column(Text))
    amount_out: int | None = Field(sa_column=Column(Atoms))
    fee: int | None = Field(sa_column=Column(Atoms))
    slot: int | None = Field(sa_column=Column(Integer))
    route: tuple[RouteLeg, ...] | None = Field(sa_column=Column(Json(tuple[RouteLeg, ...])))
