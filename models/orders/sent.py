"""What was sent and waits for its outcome: as much of an order as it takes to ask about it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.tokens import GENESIS, Token, TokenList
from models.hot import HotPool
from models.orders.codec import decode
from models.orders.statements import UNDER_WAY

_PAGE = 2_048

# By the place of an order in time, which no step changes: pages neither skip nor repeat.
_SENT = f"""
SELECT id, sequence, attempts, venue, tx_signature, last_valid_slot, amount_in, token_in, token_out,
    launched_tokens, created_at
FROM orders WHERE {UNDER_WAY} AND status = 'SUBMITTED' AND (created_at, id) > ($1, $2)
ORDER BY created_at, id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A SUBMITTED order; the amount in atoms."""

    id: UUID
    sequence: int
    attempts: int
    venue: str
    tx_signature: str
    last_valid_slot: int | None
    amount_in: int
    token_in: str
    token_out: str
    launched_tokens: tuple[Token, ...]

    @property
    def tokens(self) -> TokenList:
        """The tokens known to whoever reads the order."""
        return GENESIS.with_launched(self.launched_tokens)


async def read_sent(hot: HotPool, long_ago: datetime, first_id: UUID) -> AsyncIterator[Sent]:
    """Yield every SUBMITTED order, the oldest first."""
    place = (long_ago, first_id)
    while True:
        rows = await hot.fetch(_SENT, *place, _PAGE)
        for row in rows:
            yield _sent(row)
        if len(rows) < _PAGE:
            return
        place = (rows[-1]["created_at"], rows[-1]["id"])


def _sent(row: Mapping[str, Any]) -> Sent:
    launched = row["launched_tokens"]
    return Sent(
        id=row["id"],
        sequence=row["sequence"],
        attempts=row["attempts"],
        venue=row["venue"] or "",
        tx_signature=row["tx_signature"] or "",
        last_valid_slot=row["last_valid_slot"],
        amount_in=int(row["amount_in"]),
        token_in=row["token_in"],
        token_out=row["token_out"],
        launched_tokens=() if launched is None else decode("launched_tokens", launched),
    )
