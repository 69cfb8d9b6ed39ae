"""Where a client meets each code, and the tables of docs/errors.md, which say so.

`python -m engine.error_places docs/errors.md` writes the tables anew.
"""

import sys
from enum import StrEnum
from pathlib import Path

from engine.errors import MEANING, RETRY_CLASS_MEANING, ErrorCode, retry_class


class Place(StrEnum):
    """Where in an answer a code stands; the values head the columns of the table."""

    ERRORS = "`errors`"
    USER_ERRORS = "`userErrors`"
    FAILURE = "`failure`"
    STREAM = "stream"


_E, _U, _F, _S = Place

PLACES: dict[ErrorCode, tuple[Place, ...]] = {
    ErrorCode.INVALID_AMOUNT: (_U, _S),
    ErrorCode.AMOUNT_PRECISION_EXCEEDED: (_U, _S),
    ErrorCode.AMOUNT_OUT_OF_RANGE: (_U, _S),
    ErrorCode.UNKNOWN_TOKEN: (_U, _S),
    ErrorCode.SAME_TOKEN: (_U, _S),
    ErrorCode.UNSUPPORTED_PAIR: (_U, _S),
    ErrorCode.UNKNOWN_VENUE: (_U, _S),
    ErrorCode.INVALID_VENUES: (_U, _S),
    ErrorCode.INVALID_SLIPPAGE: (_U, _S),
    ErrorCode.INVALID_LIMIT_PRICE: (_U,),
    ErrorCode.INVALID_EXPIRY: (_U,),
    ErrorCode.INVALID_CLIENT_ORDER_ID: (_U,),
    ErrorCode.IDEMPOTENCY_CONFLICT: (_U,),
    ErrorCode.ORDER_NOT_FOUND: (_U,),
    ErrorCode.ORDER_NOT_CANCELABLE: (_U,),
    ErrorCode.OVERLOADED: (_E, _U, _S),
    ErrorCode.RATE_LIMITED: (_S,),
    ErrorCode.FORBIDDEN: (_E, _U),
    ErrorCode.NO_ROUTE: (_U, _F),
    ErrorCode.INSUFFICIENT_LIQUIDITY: (_U, _F),
    ErrorCode.PRICE_IMPACT_TOO_HIGH: (_U, _F),
    ErrorCode.SLIPPAGE_EXCEEDED: (_F,),
    ErrorCode.ZERO_OUTPUT: (_U, _F),
    ErrorCode.QUOTE_EXPIRED: (_F,),
    ErrorCode.VENUE_UNAVAILABLE: (_U, _F),
    ErrorCode.VENUE_TIMEOUT: (_U, _F),
    ErrorCode.VENUE_RATE_LIMITED: (_U, _F),
    ErrorCode.VENUE_REJECTED: (_U, _F),
    ErrorCode.TRANSACTION_DROPPED: (_F,),
    ErrorCode.TRANSACTION_EXPIRED: (_F,),
    ErrorCode.WORKER_LOST: (_F,),
    ErrorCode.INTERNAL: (_E, _F, _S),
    ErrorCode.INVALID_ARGUMENT: (_E, _S),
    ErrorCode.BAD_REQUEST: (_E, _S),
    ErrorCode.GRAPHQL_PARSE_FAILED: (_E, _S),
    ErrorCode.GRAPHQL_VALIDATION_FAILED: (_E, _S),
    ErrorCode.QUERY_TOO_COSTLY: (_E, _S),
}

_BEGIN, _END = "<!-- made by `make errors` -->\n", "<!-- until here -->\n"


def tables() -> str:
    """Return what docs/errors.md says of classes and codes, in Markdown."""
    classes = [f"| {name} | {meaning} |" for name, meaning in RETRY_CLASS_MEANING.items()]
    codes = [
        f"| `{code}` | {retry_class(code)} | "
        + "".join(f"{'✓' if place in PLACES[code] else ''} | " for place in Place)
        + f"{meaning} |"
        for code, meaning in MEANING.items()
    ]
    heads = " | ".join(Place)
    return "\n".join(
        [
            *("| class | what to do |", "| --- | --- |", *classes, ""),
            f"| code | class | {heads} | meaning |",
            *("| --- | --- |" + " :-: |" * len(Place) + " --- |", *codes, ""),
        ]
    )


def with_tables(page: str) -> str:
    """Return a page with the tables in their place."""
    before, _, rest = page.partition(_BEGIN)
    return before + _BEGIN + "\n" + tables() + "\n" + _END + rest.partition(_END)[2]


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text()))
