"""Which of several reasons against a swap tells its owner most."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from engine.errors import ErrorCode, RetryClass

_OF_THE_AMOUNT = (
    ErrorCode.ZERO_OUTPUT,
    ErrorCode.INSUFFICIENT_LIQUIDITY,
    ErrorCode.AMOUNT_OUT_OF_RANGE,
)
"""Another amount would do, so there is a way."""

_SAY_LEAST = (ErrorCode.NO_ROUTE, ErrorCode.UNSUPPORTED_PAIR)
"""Elsewhere there may be one."""


class Reason(Protocol):
    """An EngineError or a Failure."""

    @property
    def code(self) -> ErrorCode: ...

    @property
    def retry_class(self) -> RetryClass: ...


ReasonT = TypeVar("ReasonT", bound=Reason)


def most_telling(reasons: Iterable[ReasonT]) -> ReasonT:
    """Return what another try may cure before what is final; of this, what says most.

    That is a reason of the amount, and last that there is no route; of equals the first.
    """
    return min(reasons, key=_how_little)


def _how_little(reason: Reason) -> tuple[bool, int]:
    code = reason.code
    if code in _OF_THE_AMOUNT:
        says = _OF_THE_AMOUNT.index(code)
    else:
        says = len(_OF_THE_AMOUNT) + (code in _SAY_LEAST)
    return reason.retry_class is RetryClass.FATAL, says
