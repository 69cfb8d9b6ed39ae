"""Cursors of the order history: an order's place, and a mark of the list that it is a place in."""

import base64
import hashlib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.graphql.errors import InvalidArgument
from models.orders.step import OrderFilter, Position

_MARK_BYTES = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cursors:
    """Makes and reads the cursors of one list: an account's orders under one filter.

    The mark tells mistakes, such as a cursor of another filter. It keeps no secret: a cursor that
    somebody makes up leads to a place in the list that they may read anyway.
    """

    def __init__(self, account: str, wanted: OrderFilter) -> None:
        self._list = repr((account, sorted(asdict(wanted).items()))).encode()

    def encode(self, position: Position) -> str:
        """Return the cursor of a position."""
        micros = (position.created_at - _EPOCH) // timedelta(microseconds=1)
        place = micros.to_bytes(8) + position.id.bytes
        return base64.urlsafe_b64encode(place + self._mark(place)).rstrip(b"=").decode()

    def decode(self, cursor: str | None, argument: str) -> Position | None:
        """Return the position of a cursor of this list; InvalidArgument for any other."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            place, mark = raw[:-_MARK_BYTES], raw[-_MARK_BYTES:]
            if mark != self._mark(place):
                raise ValueError(mark)
            micros = int.from_bytes(place[:8])
            return Position(_EPOCH + timedelta(microseconds=micros), UUID(bytes=place[8:]))
        except (ValueError, OverflowError):
            raise InvalidArgument(
                f"`{argument}` is not a cursor of this list: cursors belong to the filter that "
                "they came with."
            ) from None

    def _mark(self, place: bytes) -> bytes:
        return hashlib.sha256(self._list + place).digest()[:_MARK_BYTES]
