"""Faults on request: what an order or a setting asks a simulated venue to do wrong."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import EngineError, ErrorCode

MAX_FAULTS = 10
"""The most faults of one kind an order may ask for: more than it ever gets attempts."""

MAX_EXTRA_LATENCY_MS = 60_000

Rate = Annotated[Decimal, Field(ge=0, le=1)]


class Fault(StrEnum):
    """What goes wrong in one attempt of an order."""

    QUOTE_FAILURE = "QUOTE_FAILURE"
    QUOTE_TIMEOUT = "QUOTE_TIMEOUT"
    DROPPED_TRANSACTION = "DROPPED_TRANSACTION"
    SLIPPAGE = "SLIPPAGE"


class Simulation(BaseModel):
    """The faults one order asks for, as the test cards of a payment provider do.

    Each fault takes one attempt: first all quote failures, then the time-outs, the dropped
    transactions and the slippage failures. `extra_latency_ms` holds for every quote.
    """

    model_config = ConfigDict(frozen=True)

    quote_failures: int = 0
    quote_timeouts: int = 0
    dropped_transactions: int = 0
    slippage_failures: int = 0
    extra_latency_ms: int = 0

    def fault(self, attempt: int) -> Fault | None:
        """Return what goes wrong in attempt 1, 2, …; None for nothing."""
        planned = (
            [Fault.QUOTE_FAILURE] * self.quote_failures
            + [Fault.QUOTE_TIMEOUT] * self.quote_timeouts
            + [Fault.DROPPED_TRANSACTION] * self.dropped_transactions
            + [Fault.SLIPPAGE] * self.slippage_failures
        )
        return planned[attempt - 1] if 1 <= attempt <= len(planned) else None


NO_FAULTS = Simulation()


class VenueFaults(BaseModel):
    """How unreliable a simulated venue is: rates from 0 to 1, and milliseconds per quote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_rate: Rate = Decimal(0)
    timeout_rate: Rate = Decimal(0)
    drop_rate: Rate = Decimal(0)
    extra_latency_ms: int = Field(0, ge=0, le=MAX_EXTRA_LATENCY_MS)


RELIABLE = VenueFaults()


def require_simulation(asked: Simulation) -> Simulation:
    """Return `asked`, or raise EngineError AMOUNT_OUT_OF_RANGE naming the figure at fault."""
    limits = dict.fromkeys(
        ("quote_failures", "quote_timeouts", "dropped_transactions", "slippage_failures"),
        MAX_FAULTS,
    )
    limits["extra_latency_ms"] = MAX_EXTRA_LATENCY_MS
    for name, most in limits.items():
        if not 0 <= getattr(asked, name) <= most:
            first, *rest = name.split("_")
            field = first + "".join(word.capitalize() for word in rest)
            raise EngineError(
                ErrorCode.AMOUNT_OUT_OF_RANGE,
                f"{field} is 0 to {most}.",
                field=("input", "simulate", field),
            )
    return asked
