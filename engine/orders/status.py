"""The statuses of an order and the table of legal steps between them."""

from enum import StrEnum


class OrderType(StrEnum):
    """What makes an order execute: at once, at a price, or when its pool appears."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    SNIPER = "SNIPER"


class OrderStatus(StrEnum):
    """Where an order stands in its life."""

    PENDING = "PENDING"
    ROUTING = "ROUTING"
    WAITING_PRICE = "WAITING_PRICE"
    WAITING_POOL = "WAITING_POOL"
    BUILDING = "BUILDING"
    SUBMITTED = "SUBMITTED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


STATUS_MEANING = {
    OrderStatus.PENDING: "Accepted and durable; no worker has taken it yet.",
    OrderStatus.ROUTING: "Quotes of all venues are being compared.",
    OrderStatus.WAITING_PRICE: "A limit order waits for its price.",
    OrderStatus.WAITING_POOL: "A sniper order waits for its pool.",
    OrderStatus.BUILDING: "The route is chosen, the transaction signed and stored, not yet sent.",
    OrderStatus.SUBMITTED: "The transaction goes out; from here on only its outcome decides.",
    OrderStatus.CONFIRMED: "The swap landed and is final.",
    OrderStatus.FAILED: "The order ended without a swap; `failure` says why.",
    OrderStatus.CANCELED: "The order was canceled before anything was sent.",
    OrderStatus.EXPIRED: "The order's time ran out before anything was sent.",
}
"""What each status means, in words for clients."""

TYPE_MEANING = {
    OrderType.MARKET: "Executes at once at the best quote.",
    OrderType.LIMIT: "Executes when the quote for its whole size meets the limit.",
    OrderType.SNIPER: "Executes as soon as a pool for the token exists.",
}

S = OrderStatus
_ENDED_EARLY = {S.CANCELED, S.EXPIRED, S.FAILED}

NEXT: dict[OrderStatus, frozenset[OrderStatus]] = {
    S.PENDING: frozenset({S.ROUTING, S.WAITING_PRICE, S.WAITING_POOL} | _ENDED_EARLY),
    S.WAITING_PRICE: frozenset({S.ROUTING} | _ENDED_EARLY),
    S.WAITING_POOL: frozenset({S.ROUTING} | _ENDED_EARLY),
    # ROUTING again is the next attempt; WAITING_PRICE is a limit whose trigger is gone.
    S.ROUTING: frozenset({S.ROUTING, S.BUILDING, S.WAITING_PRICE} | _ENDED_EARLY),
    # Back to ROUTING only when the built transaction is proved unsent.
    S.BUILDING: frozenset({S.SUBMITTED, S.ROUTING} | _ENDED_EARLY),
    # Back to ROUTING only when the sent transaction is proved not landed.
    S.SUBMITTED: frozenset({S.CONFIRMED, S.ROUTING, S.FAILED}),
    S.CONFIRMED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELED: frozenset(),
    S.EXPIRED: frozenset(),
}

IN_ONE = frozenset({(S.ROUTING, S.SUBMITTED)})
"""Steps that are two in one, by way of BUILDING: each of the two is legal and has its event."""

TERMINAL = frozenset(status for status, following in NEXT.items() if not following)
"""Statuses an order never leaves."""

IN_PROGRESS = frozenset({S.PENDING, S.ROUTING, S.BUILDING})
"""Statuses in which some worker owes the order its next step: what the sweep looks after."""


WAITING = frozenset({S.WAITING_PRICE, S.WAITING_POOL})
"""Statuses in which an order rests until the market comes to it."""

NOT_SENT = IN_PROGRESS | WAITING
"""Statuses in which nothing has been sent: an order can still be canceled, and expires."""


class IllegalStep(Exception):
    """A status change outside the table: a bug of ours, never a user's mistake."""

    def __init__(self, current: OrderStatus, wanted: OrderStatus) -> None:
        super().__init__(f"{current} -> {wanted}")


def require_step(current: OrderStatus, wanted: OrderStatus) -> None:
    """Raise IllegalStep unless an order may go from `current` to `wanted`."""
    if wanted not in NEXT[current] and (current, wanted) not in IN_ONE:
        raise IllegalStep(current, wanted)
