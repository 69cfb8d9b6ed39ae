"""Every way an order can be refused or fail, and what a client should do about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class RetryClass(StrEnum):
    """What to do about an error; DESIGN's table of classes is the source."""

    RETRY = "RETRY"
    REQUOTE = "REQUOTE"
    FATAL = "FATAL"


class ErrorCode(StrEnum):
    """The stable name of a refusal or failure, stored on the order and shown in the API."""

    INVALID_AMOUNT = "INVALID_AMOUNT"
    AMOUNT_PRECISION_EXCEEDED = "AMOUNT_PRECISION_EXCEEDED"
    AMOUNT_OUT_OF_RANGE = "AMOUNT_OUT_OF_RANGE"
    UNKNOWN_TOKEN = "UNKNOWN_TOKEN"  # noqa: S105 - an error code, not a secret
    SAME_TOKEN = "SAME_TOKEN"  # noqa: S105
    UNSUPPORTED_PAIR = "UNSUPPORTED_PAIR"
    UNKNOWN_VENUE = "UNKNOWN_VENUE"
    INVALID_VENUES = "INVALID_VENUES"
    INVALID_SLIPPAGE = "INVALID_SLIPPAGE"
    INVALID_LIMIT_PRICE = "INVALID_LIMIT_PRICE"
    INVALID_EXPIRY = "INVALID_EXPIRY"
    INVALID_CLIENT_ORDER_ID = "INVALID_CLIENT_ORDER_ID"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    ORDER_NOT_CANCELABLE = "ORDER_NOT_CANCELABLE"
    OVERLOADED = "OVERLOADED"
    RATE_LIMITED = "RATE_LIMITED"
    FORBIDDEN = "FORBIDDEN"
    NO_ROUTE = "NO_ROUTE"
    INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
    PRICE_IMPACT_TOO_HIGH = "PRICE_IMPACT_TOO_HIGH"
    SLIPPAGE_EXCEEDED = "SLIPPAGE_EXCEEDED"
    ZERO_OUTPUT = "ZERO_OUTPUT"
    QUOTE_EXPIRED = "QUOTE_EXPIRED"
    VENUE_UNAVAILABLE = "VENUE_UNAVAILABLE"
    VENUE_TIMEOUT = "VENUE_TIMEOUT"
    VENUE_RATE_LIMITED = "VENUE_RATE_LIMITED"
    VENUE_REJECTED = "VENUE_REJECTED"
    TRANSACTION_DROPPED = "TRANSACTION_DROPPED"
    TRANSACTION_EXPIRED = "TRANSACTION_EXPIRED"
    WORKER_LOST = "WORKER_LOST"
    INTERNAL = "INTERNAL"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    BAD_REQUEST = "BAD_REQUEST"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_COSTLY = "QUERY_TOO_COSTLY"


# What is not named here is FATAL: an unknown fault is not tried again with somebody's money.
_CLASS_OF = {
    ErrorCode.VENUE_UNAVAILABLE: RetryClass.RETRY,
    ErrorCode.VENUE_TIMEOUT: RetryClass.RETRY,
    ErrorCode.VENUE_RATE_LIMITED: RetryClass.RETRY,
    ErrorCode.OVERLOADED: RetryClass.RETRY,
    ErrorCode.RATE_LIMITED: RetryClass.RETRY,
    ErrorCode.WORKER_LOST: RetryClass.RETRY,
    ErrorCode.QUOTE_EXPIRED: RetryClass.REQUOTE,
    ErrorCode.SLIPPAGE_EXCEEDED: RetryClass.REQUOTE,
    ErrorCode.TRANSACTION_EXPIRED: RetryClass.REQUOTE,
    ErrorCode.TRANSACTION_DROPPED: RetryClass.REQUOTE,
}


RETRY_CLASS_MEANING = {
    RetryClass.RETRY: "The same request may succeed a little later.",
    RetryClass.REQUOTE: "The price or the transaction went stale; ask for a new quote.",
    RetryClass.FATAL: "Trying again will not help.",
}

MEANING = {
    ErrorCode.INVALID_AMOUNT: "Not a plain decimal above zero.",
    ErrorCode.AMOUNT_PRECISION_EXCEEDED: "More decimals than the token has.",
    ErrorCode.AMOUNT_OUT_OF_RANGE: "Outside of what the field takes; amounts end at 2^64-1 atoms.",
    ErrorCode.UNKNOWN_TOKEN: "No token has this symbol or mint.",
    ErrorCode.SAME_TOKEN: "tokenIn and tokenOut are the same.",
    ErrorCode.UNSUPPORTED_PAIR: "No allowed venue trades this pair.",
    ErrorCode.UNKNOWN_VENUE: "No venue has this id.",
    ErrorCode.INVALID_VENUES: "An empty list of venues; leave it out to allow all of them.",
    ErrorCode.INVALID_SLIPPAGE: "Slippage is outside 0 to 5000 bps.",
    ErrorCode.INVALID_LIMIT_PRICE: "The limit price is not a positive decimal.",
    ErrorCode.INVALID_EXPIRY: "The expiry is in the past or too far ahead.",
    ErrorCode.INVALID_CLIENT_ORDER_ID: "Not 1 to 64 of A-Z a-z 0-9 . _ : -",
    ErrorCode.IDEMPOTENCY_CONFLICT: "The clientOrderId was used for a different order.",
    ErrorCode.ORDER_NOT_FOUND: "There is no such order.",
    ErrorCode.ORDER_NOT_CANCELABLE: "The order was already sent or has ended.",
    ErrorCode.OVERLOADED: "More is asked of the server than it can do; come back in a moment.",
    ErrorCode.RATE_LIMITED: "Too many requests from this client.",
    ErrorCode.FORBIDDEN: "This is not allowed here, or not with these credentials.",
    ErrorCode.NO_ROUTE: "No venue has a route for this pair.",
    ErrorCode.INSUFFICIENT_LIQUIDITY: "The pools do not hold enough for this size.",
    ErrorCode.PRICE_IMPACT_TOO_HIGH: "The order would move the price more than allowed.",
    ErrorCode.SLIPPAGE_EXCEEDED: "The output fell below the least accepted.",
    ErrorCode.ZERO_OUTPUT: "The output rounds down to nothing.",
    ErrorCode.QUOTE_EXPIRED: "The quote was too old to execute.",
    ErrorCode.VENUE_UNAVAILABLE: "The venue did not answer.",
    ErrorCode.VENUE_TIMEOUT: "The venue did not answer in time.",
    ErrorCode.VENUE_RATE_LIMITED: "The venue refused for now.",
    ErrorCode.VENUE_REJECTED: "The venue refused for good.",
    ErrorCode.TRANSACTION_DROPPED: "The transaction was dropped before it landed.",
    ErrorCode.TRANSACTION_EXPIRED: "The transaction did not land while it was valid.",
    ErrorCode.WORKER_LOST: "The worker on this step was lost.",
    ErrorCode.INTERNAL: "A fault of the engine; its log says more.",
    ErrorCode.INVALID_ARGUMENT: "No result can be given for an argument or a variable.",
    ErrorCode.BAD_REQUEST: "The HTTP request or message holds no operation that can be run.",
    ErrorCode.GRAPHQL_PARSE_FAILED: "The document is not GraphQL, or longer than allowed.",
    ErrorCode.GRAPHQL_VALIDATION_FAILED: "The schema has no such operation, or it is too deep.",
    ErrorCode.QUERY_TOO_COSTLY: "The operation may return more rows than allowed.",
}
"""What each code means, in words for clients."""


def retry_class(code: ErrorCode) -> RetryClass:
    """Return the class of `code`; FATAL unless the table says otherwise."""
    return _CLASS_OF.get(code, RetryClass.FATAL)


class Failure(BaseModel):
    """Why a step did not succeed, as stored with the order and shown to its owner."""

    model_config = ConfigDict(frozen=True)

    code: ErrorCode
    message: str
    venue: str | None = None

    @property
    def retry_class(self) -> RetryClass:
        return retry_class(self.code)


class EngineError(Exception):
    """An expected refusal or failure: a code, a sentence for people, and where it applies.

    `field` is the path of the offending input for refusals, e.g. ``("input", "amount")``;
    `venue` the id of the venue that failed; `context` the figures behind the sentence, for logs.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: tuple[str, ...] | None = None,
        venue: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.field = field
        self.venue = venue
        self.context = dict(context or {})

    @property
    def retry_class(self) -> RetryClass:
        return retry_class(self.code)

    @property
    def failure(self) -> Failure:
        return Failure(code=self.code, message=self.message, venue=self.venue)

    def __str__(self) -> str:
        return self.message
