"""What is traded and what venues answer: the value types of routing.

Amounts are atoms (integers of a token's smallest unit). The pydantic types are the ones stored
with an order's events; they survive a round trip through JSON unchanged.
"""

from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from engine.errors import EngineError, Failure
from engine.pools.book import PoolBook
from engine.swaps.simulation import Fault
from engine.tokens import Token


@dataclass(frozen=True, slots=True)
class Swap:
    """An exact-in trade to be routed: `amount_in` atoms of token_in for the most token_out."""

    token_in: Token
    token_out: Token
    amount_in: int
    venues: tuple[str, ...] = ()
    """Ids of the venues allowed; empty means all."""
    max_price_impact_bps: int | None = None
    allow_split: bool = True
    """Whether the amount may be divided among venues."""
    min_liquidity: int = 0
    """What a pool must hold of the token paid into it to take part, in worth of token_in atoms."""
    fault: Fault | None = None
    """What a simulated venue is to do wrong."""
    extra_latency_ms: int = 0
    """How much longer a simulated venue is to take for its quote."""


class RouteLeg(BaseModel):
    """One pool's part of a fill: atoms in, atoms out, and the fee in atoms of token_in.

    Legs of the same two tokens are one hop, side by side; `share_bps` is a leg's part of its hop.
    The next hop spends what the one before returned.
    """

    model_config = ConfigDict(frozen=True)

    venue: str
    pool: str
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int
    fee: int
    share_bps: int


class VenueQuote(BaseModel):
    """What one venue answered: an amount, or why it did not."""

    model_config = ConfigDict(frozen=True)

    venue: str
    amount_out: int | None = None
    price: Decimal | None = None
    price_impact_bps: Decimal | None = None
    fee: int | None = None
    latency_ms: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A venue's offer for a swap: `amount_out` atoms by `route`, fees already taken."""

    venue: str
    amount_in: int
    amount_out: int
    fee: int
    price: Decimal
    price_impact_bps: Decimal
    route: tuple[RouteLeg, ...]
    book: PoolBook | None = None
    """The pools behind the offer, where the venue shows them: they can be combined with others."""
    fault: Fault | None = None


class NotAlone(EngineError):
    """A venue cannot do a swap by itself, but shows pools that may do a part of it."""

    def __init__(self, error: EngineError, *, venue: str, book: PoolBook) -> None:
        super().__init__(error.code, error.message, venue=venue, context=error.context)
        self.book = book
