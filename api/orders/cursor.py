"""Cursors of the order history: an order's place, sealed for one account and one filter."""

import base64
import hashlib
import hmac
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.graphql.errors import InvalidArgument
from models.orders.step import OrderFilter, Position

_SEAL_BYTES = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cursors:
    """Makes and reads the cursors of one list: an account's orders under one filter."""

    def __init__(self, secret: str, account: str, wanted: OrderFilter) -> None:
        listed = repr((account, sorted(asdict(wanted).items())))
        self._key = hashlib.sha256(f"{secret}\n{listed}".encode()).digest()

    def encode(self, position: Position) -> str:
        """Return the cursor of a position."""
        micros = (position.created_at - _EPOCH) // timedelta(microseconds=1)
        place = micros.to_bytes(8) + position.id.bytes
        return base64.urlsafe_b64encode(place + self._seal(place)).rstrip(b"=").decode()

    def decode(self, cursor: str | None, argument: str) -> Position | None:
        """Return the position of a cursor this list has given; InvalidArgument for any other."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raw = b""
        place, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
        if len(place) != 24 or not hmac.compare_digest(seal, self._seal(place)):
            raise InvalidArgument(
                f"`{argument}` is not a cursor of this list: cursors belong to the filter that "
                "they came with."
            )
        created_at = _EPOCH + timedelta(microseconds=int.from_bytes(place[:8]))
        return Position(created_at, UUID(bytes=place[8:]))

    def _seal(self, place: bytes) -> bytes:
        return hmac.digest(self._key, place, "sha256")[:_SEAL_BYTES]
