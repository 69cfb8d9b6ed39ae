"""Repeatable chance: every draw is a function of the seed and of what it is about."""

import hashlib
from decimal import Decimal

_BITS = 64


def draw(*about: object) -> int:
    """Return 64 uniform bits that depend on nothing but `about`."""
    digest = hashlib.blake2b(repr(about).encode(), digest_size=_BITS // 8).digest()
    return int.from_bytes(digest)


def happens(rate: Decimal, *about: object) -> bool:
    """Say whether what has the chance `rate`, 0 to 1, happens this time."""
    return bool(draw(*about) < rate * 2**_BITS)
