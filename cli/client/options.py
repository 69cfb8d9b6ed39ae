"""The options that the commands of clients share, and how their values are read."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from engine.orders.status import OrderStatus, OrderType

FAULTS = {
    "quote-failures": "quoteFailures",
    "quote-timeouts": "quoteTimeouts",
    "dropped-transactions": "droppedTransactions",
    "slippage-failures": "slippageFailures",
    "extra-latency-ms": "extraLatencyMs",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"(?:\d{1,9}[smhd])+", re.ASCII)


def _name_of(names: type[StrEnum]) -> Callable[[str], str]:
    """Return what reads a name of the API's as people write it, or as the API does."""

    def read(value: str) -> str:
        wanted = value.upper().replace("-", "_")
        if wanted not in set(names):
            listed = ", ".join(name.lower().replace("_", "-") for name in names)
            raise typer.BadParameter(f"{value!r} is none of {listed}.")
        return wanted

    return read


TokenIn = Annotated[str, typer.Argument(help="Symbol or mint of the token paid, e.g. SOL.")]
TokenOut = Annotated[str, typer.Argument(help="Symbol or mint of the token bought.")]
Amount = Annotated[str, typer.Argument(help="How much is paid, in whole units, e.g. 1.5.")]
Url = Annotated[str | None, typer.Option(help="The API's address.")]
SlippageBps = Annotated[int, typer.Option(help="How far below the quote a fill may be.")]
Venues = Annotated[list[str] | None, typer.Option("--venue", help="Only this venue; repeatable.")]
Split = Annotated[bool, typer.Option(help="Whether to divide it among venues.")]
ExpiresIn = Annotated[
    str | None,
    typer.Option(help="When to give up waiting, from now: 90s, 5m, 1h30m, 2d. Default: 5m."),
]
ExpiresAt = Annotated[
    str | None, typer.Option(help="When to give up waiting, e.g. 2026-01-31T12:00:00Z.")
]
Simulate = Annotated[
    list[str] | None,
    typer.Option(
        help="A fault to inject, e.g. quote-failures=2; repeatable. Also quote-timeouts, "
        "dropped-transactions, slippage-failures and extra-latency-ms."
    ),
]
ClientOrderId = Annotated[
    str | None, typer.Option(help="Your own id for the order; makes a second try harmless.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines.")]
FollowToEnd = Annotated[
    bool, typer.Option("--follow/--no-follow", help="Whether to follow it to its end.")
]
Follow = Annotated[bool, typer.Option("--follow", help="Keep it up to date until Ctrl-C.")]
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        parser=_name_of(OrderStatus),
        help="Only orders in this status, e.g. waiting-price; repeatable.",
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type", parser=_name_of(OrderType), help="Only market, limit or sniper; repeatable."
    ),
]


def faults(simulate: list[str] | None) -> dict[str, int] | None:
    """Return the API's input for options such as ``quote-failures=2``."""
    counts: dict[str, int] = {}
    for option in simulate or []:
        name, _, count = option.partition("=")
        if name not in FAULTS or not (count.isascii() and count.isdigit()):
            raise typer.BadParameter(
                f"{option!r} is not of the form quote-failures=2, with one of {', '.join(FAULTS)}.",
                param_hint="'--simulate'",
            )
        counts[FAULTS[name]] = int(count)
    return counts or None


def expiry(expires_in: str | None, expires_at: str | None) -> str | None:
    """Return the RFC 3339 instant that either option means."""
    if expires_in is None:
        return expires_at
    if expires_at is not None:
        raise typer.BadParameter("Give --expires-in or --expires-at, not both.")
    if not _SPAN.fullmatch(expires_in):
        raise typer.BadParameter(
            f"{expires_in!r} is no time such as 90s, 5m, 1h30m or 2d.", param_hint="'--expires-in'"
        )
    parts = re.findall(r"(\d+)([smhd])", expires_in)
    try:
        life = sum((timedelta(**{_UNITS[u]: int(count)}) for count, u in parts), timedelta())
        return (datetime.now(UTC) + life).isoformat()
    except OverflowError:
        raise typer.BadParameter(
            f"{expires_in!r} is too long.", param_hint="'--expires-in'"
        ) from None
