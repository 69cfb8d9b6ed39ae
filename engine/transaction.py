"""A swap as it is signed and sent, and what becomes of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from engine.errors import ErrorCode

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class SwapTransaction:
    """The instruction inside a transaction: exact in, at least `min_amount_out` or it reverts.

    `memo` is the order's id and `nonce` its attempt: two attempts never share their bytes, one
    attempt built twice does.
    """

    venue: str
    pool: str
    token_in: str
    token_out: str
    amount_in: int
    min_amount_out: int
    memo: str
    nonce: int
    last_valid_slot: int


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
    """A transaction's state; amounts in atoms once executed, `code` where it came to nothing."""

    state: TransactionState
    amount_out: int | None = None
    fee: int | None = None
    slot: int | None = None
    code: ErrorCode | None = None


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
        signature=_base58(hashlib.sha512(payload).digest()),
        payload=payload,
        last_valid_slot=transaction.last_valid_slot,
    )


def decode(payload: bytes) -> SwapTransaction:
    """Return the instruction inside signed bytes made by `sign`."""
    return SwapTransaction(**json.loads(payload))


def _base58(raw: bytes) -> str:
    number, digits = int.from_bytes(raw), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    leading_zeros = len(raw) - len(raw.lstrip(b"\0"))
    return "1" * leading_zeros + "".join(reversed(digits))
