"""A swap as it is signed and sent, and what becomes of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import NamedTuple

from engine.errors import EngineError, ErrorCode
from engine.swaps.simulation import Fault
from engine.swaps.swap import RouteLeg
from engine.tokens import base58


class PoolShare(NamedTuple):
    """A pool's part of a hop: of what the hop spends, it gets `weight` over the hop's total."""

    pool: str
    weight: int


@dataclass(frozen=True, slots=True)
class Hop:
    """Pools side by side that swap into `token_out`, a mint, all that the hop before returned."""

    token_out: str
    shares: tuple[PoolShare, ...]


@dataclass(frozen=True, slots=True)
class SwapTransaction:
    """The instruction inside a transaction: exact in, at least `min_amount_out` or it reverts.

    All hops happen or none. `memo` is the order's id and `nonce` its attempt: two attempts never
    share their bytes, one attempt built twice does. `fault` is what the devnet is asked to do
    wrong with it.
    """

    venue: str
    token_in: str
    amount_in: int
    hops: tuple[Hop, ...]
    min_amount_out: int
    memo: str
    nonce: int
    last_valid_slot: int
    fault: Fault | None = None

    @property
    def token_out(self) -> str:
        return self.hops[-1].token_out

    @property
    def terms(self) -> tuple[object, ...]:
        """Everything but whose it is: all that the chain's chance may depend on."""
        return (
            *(self.venue, self.token_in, self.amount_in, self.hops),
            *(self.min_amount_out, self.nonce, self.last_valid_slot),
        )


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """What is stored before it is sent: the same bytes always carry the same signature."""

    signature: str
    payload: bytes
    last_valid_slot: int


class TransactionState(StrEnum):
    """How far a transaction got, as its venue tells."""

    PENDING = "PENDING"
    LANDED = "LANDED"  # executed, but not yet deep enough to be confirmed
    CONFIRMED = "CONFIRMED"
    REVERTED = "REVERTED"
    DROPPED = "DROPPED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """A transaction's state; amounts in atoms once executed, `code` where it came to nothing.

    `fee` is in atoms of the token paid; `route` the fill of each pool.
    """

    state: TransactionState
    amount_out: int | None = None
    fee: int | None = None
    slot: int | None = None
    code: ErrorCode | None = None
    route: tuple[RouteLeg, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The statuses a venue knows, and the slot it knew them at; unknown signatures are absent."""

    slot: int
    statuses: Mapping[str, TransactionStatus]


def sign(transaction: SwapTransaction) -> SignedTransaction:
    """Return the transaction's bytes and signature: 64 bytes in base58, a function of the bytes.

    A devnet signature only has to be unique and repeatable, so SHA-512 stands in for Ed25519.
    """
    payload = json.dumps(asdict(transaction), sort_keys=True, separators=(",", ":")).encode()
    return SignedTransaction(
        signature=base58(hashlib.sha512(payload).digest()),
        payload=payload,
        last_valid_slot=transaction.last_valid_slot,
    )


def decode(payload: bytes) -> SwapTransaction:
    """Return the instruction inside signed bytes; EngineError VENUE_REJECTED for other bytes."""
    try:
        said = json.loads(payload)
        hops = tuple(
            Hop(hop["token_out"], tuple(PoolShare(*share) for share in hop["shares"]))
            for hop in said.pop("hops")
        )
        fault = said.pop("fault")
        return SwapTransaction(hops=hops, fault=fault and Fault(fault), **said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineError(
            ErrorCode.VENUE_REJECTED, "These bytes are no transaction of this chain."
        ) from error
