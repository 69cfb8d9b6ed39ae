"""GraphQL inputs."""

from datetime import datetime

import strawberry

from api.graphql.scalars import DecimalText
from engine.devnet.launch import read_launch
from engine.orders import sniper
from engine.orders.limit import limit_order
from engine.orders.request import OrderRequest
from engine.orders.sniper import sniper_order
from engine.orders.status import OrderStatus, OrderType
from engine.orders.terms import DEFAULT_SLIPPAGE_BPS, market_order, read_swap
from engine.pools.listed import ListedPool
from engine.swaps.simulation import NO_FAULTS, Simulation
from engine.tokens import TokenList

_TOKEN_IN = "Symbol or mint of the token paid."  # noqa: S105 - a description
_TOKEN_OUT = "Symbol or mint of the token bought."  # noqa: S105
_AMOUNT = "Whole units of tokenIn."
_VENUES = "Ids of the venues allowed; all of them when absent."
_CLIENT_ORDER_ID = (
    "1–64 of [A-Za-z0-9._:-]; made by the server when absent. "
    "The same id with the same input returns the same order."
)
_EXPIRES_AT = "When to give up waiting, at most 365 days ahead; five minutes by default."
_SIMULATE = "Faults to inject, to see how your client takes them."
_SPLIT = "Whether the amount may be divided among venues where that returns more."


@strawberry.input(
    description="Faults to inject into one order, on simulated venues only. Each takes one "
    "attempt: quote failures first, then time-outs, dropped transactions, slippage."
)
class SimulateInput:
    quote_failures: int | None = strawberry.field(
        default=0, description="Attempts in which no venue answers, 0 to 10."
    )
    quote_timeouts: int | None = strawberry.field(
        default=0, description="Attempts in which every quote comes too late, 0 to 10."
    )
    dropped_transactions: int | None = strawberry.field(
        default=0, description="Attempts whose transaction never lands, 0 to 10."
    )
    slippage_failures: int | None = strawberry.field(
        default=0, description="Attempts whose transaction reverts below its floor, 0 to 10."
    )
    extra_latency_ms: int | None = strawberry.field(
        default=0, description="How much longer each quote takes, 0 to 60000."
    )

    def to_simulation(self) -> Simulation:
        return Simulation(
            quote_failures=self.quote_failures or 0,
            quote_timeouts=self.quote_timeouts or 0,
            dropped_transactions=self.dropped_transactions or 0,
            slippage_failures=self.slippage_failures or 0,
            extra_latency_ms=self.extra_latency_ms or 0,
        )


def _faults(simulate: SimulateInput | None) -> Simulation:
    return NO_FAULTS if simulate is None else simulate.to_simulation()


@strawberry.input(description="An order to swap at once at the best quote.")
class ExecuteMarketOrderInput:
    client_order_id: str | None = strawberry.field(default=None, description=_CLIENT_ORDER_ID)
    token_in: strawberry.ID = strawberry.field(description=_TOKEN_IN)
    token_out: strawberry.ID = strawberry.field(description=_TOKEN_OUT)
    amount: DecimalText = strawberry.field(description=_AMOUNT)
    slippage_bps: int | None = strawberry.field(
        default=DEFAULT_SLIPPAGE_BPS,
        description="How far below the quote the fill may be, 0 to 5000.",
    )
    min_amount_out: DecimalText | None = strawberry.field(
        default=None, description="The least to receive; the stricter of this and slippage holds."
    )
    max_price_impact_bps: int | None = strawberry.field(
        default=None, description="Fail rather than move the price further than this."
    )
    venues: list[strawberry.ID] | None = strawberry.field(default=None, description=_VENUES)
    allow_split: bool | None = strawberry.field(default=True, description=_SPLIT)
    simulate: SimulateInput | None = strawberry.field(default=None, description=_SIMULATE)

    @property
    def token_names(self) -> tuple[str, str]:
        return self.token_in, self.token_out

    def to_request(self, tokens: TokenList) -> OrderRequest:
        """Raises EngineError with the input at fault: see engine.orders.terms."""
        swap = read_swap(
            tokens,
            token_in=self.token_in,
            token_out=self.token_out,
            amount=self.amount,
            venues=self.venues,
            max_price_impact_bps=self.max_price_impact_bps,
            allow_split=self.allow_split,
        )
        return market_order(
            swap,
            slippage_bps=self.slippage_bps,
            min_amount_out=self.min_amount_out,
            simulation=_faults(self.simulate),
        )


@strawberry.input(description="An order that waits for its price.")
class PlaceLimitOrderInput:
    client_order_id: str | None = strawberry.field(default=None, description=_CLIENT_ORDER_ID)
    token_in: strawberry.ID = strawberry.field(description=_TOKEN_IN)
    token_out: strawberry.ID = strawberry.field(description=_TOKEN_OUT)
    amount: DecimalText = strawberry.field(description=_AMOUNT)
    limit_price: DecimalText = strawberry.field(
        description="The least tokenOut per tokenIn for the whole amount, fees and impact included."
    )
    expires_at: datetime | None = strawberry.field(default=None, description=_EXPIRES_AT)
    venues: list[strawberry.ID] | None = strawberry.field(default=None, description=_VENUES)
    allow_split: bool | None = strawberry.field(default=True, description=_SPLIT)
    simulate: SimulateInput | None = strawberry.field(default=None, description=_SIMULATE)

    @property
    def token_names(self) -> tuple[str, str]:
        return self.token_in, self.token_out

    def to_request(self, tokens: TokenList) -> OrderRequest:
        """Raises EngineError with the input at fault: see engine.orders.limit."""
        swap = read_swap(
            tokens,
            token_in=self.token_in,
            token_out=self.token_out,
            amount=self.amount,
            venues=self.venues,
            allow_split=self.allow_split,
        )
        return limit_order(
            swap,
            limit_price=self.limit_price,
            expires_at=self.expires_at,
            simulation=_faults(self.simulate),
        )


@strawberry.input(description="Buys as soon as a pool for tokenOut exists with enough liquidity.")
class PlaceSniperOrderInput:
    client_order_id: str | None = strawberry.field(default=None, description=_CLIENT_ORDER_ID)
    token_in: strawberry.ID = strawberry.field(description=_TOKEN_IN)
    token_out: strawberry.ID = strawberry.field(
        description="Symbol or mint of the token bought; a mint may be one nobody knows yet."
    )
    amount: DecimalText = strawberry.field(description=_AMOUNT)
    max_price: DecimalText | None = strawberry.field(
        default=None, description="The most tokenIn per tokenOut to pay, fees and impact included."
    )
    min_liquidity: DecimalText | None = strawberry.field(
        default=None,
        description="What a pool must hold beside the token it sells, in whole units of tokenIn or "
        "what is worth that; only pools that do are bought from.",
    )
    slippage_bps: int | None = strawberry.field(
        default=sniper.DEFAULT_SLIPPAGE_BPS,
        description="How far below the quote the fill may be, 0 to 5000.",
    )
    expires_at: datetime | None = strawberry.field(default=None, description=_EXPIRES_AT)
    venues: list[strawberry.ID] | None = strawberry.field(default=None, description=_VENUES)
    simulate: SimulateInput | None = strawberry.field(default=None, description=_SIMULATE)

    @property
    def token_names(self) -> tuple[str, str]:
        return self.token_in, self.token_out

    def to_request(self, tokens: TokenList) -> OrderRequest:
        """Raises EngineError with the input at fault: see engine.orders.sniper."""
        return sniper_order(
            tokens,
            token_in=self.token_in,
            token_out=self.token_out,
            amount=self.amount,
            max_price=self.max_price,
            min_liquidity=self.min_liquidity,
            slippage_bps=self.slippage_bps,
            expires_at=self.expires_at,
            venues=self.venues,
            simulation=_faults(self.simulate),
        )


@strawberry.input(description="A token that goes live with a pool, on a simulated venue.")
class LaunchPoolInput:
    venue: strawberry.ID = strawberry.field(description="Id of the simulated venue.")
    mint: strawberry.ID = strawberry.field(description="The token's address, 32 bytes in base58.")
    symbol: str = strawberry.field(description="Its ticker, 1 to 10 of A-Z and 0-9.")
    decimals: int = strawberry.field(description="Its decimals, 0 to 12.")
    quote_token: strawberry.ID = strawberry.field(description="SOL, USDC or USDT.")
    reserve: DecimalText = strawberry.field(description="Whole units of the token in the pool.")
    quote_reserve: DecimalText = strawberry.field(
        description="Whole units of the quote token in the pool. The ratio is the first price; of "
        "a DLMM pool that of its nearest bin, which are 1 % apart."
    )

    def to_pool(self, tokens: TokenList) -> ListedPool:
        """Raises EngineError with the input at fault: see engine.devnet.launch."""
        return read_launch(
            tokens,
            venue=self.venue,
            mint=self.mint,
            symbol=self.symbol,
            decimals=self.decimals,
            quote_token=self.quote_token,
            reserve=self.reserve,
            quote_reserve=self.quote_reserve,
        )


@strawberry.input(description="A swap to quote.")
class QuoteInput:
    token_in: strawberry.ID = strawberry.field(description=_TOKEN_IN)
    token_out: strawberry.ID = strawberry.field(description=_TOKEN_OUT)
    amount: DecimalText = strawberry.field(description=_AMOUNT)
    slippage_bps: int | None = strawberry.field(
        default=DEFAULT_SLIPPAGE_BPS, description="What minAmountOut allows for, 0 to 5000."
    )
    venues: list[strawberry.ID] | None = strawberry.field(default=None, description=_VENUES)
    allow_split: bool | None = strawberry.field(default=True, description=_SPLIT)

    @property
    def token_names(self) -> tuple[str, str]:
        return self.token_in, self.token_out

    def to_request(self, tokens: TokenList) -> OrderRequest:
        """Raises EngineError with the input at fault: see engine.orders.terms."""
        swap = read_swap(
            tokens,
            token_in=self.token_in,
            token_out=self.token_out,
            amount=self.amount,
            venues=self.venues,
            allow_split=self.allow_split,
        )
        return market_order(swap, slippage_bps=self.slippage_bps)


@strawberry.input(description="Which orders to show; every field given must hold.")
class OrderFilter:
    status: list[OrderStatus] | None = strawberry.field(
        default=None, description="Any of these statuses."
    )
    is_terminal: bool | None = strawberry.field(
        default=None, description="Whether the order has ended."
    )
    type: list[OrderType] | None = strawberry.field(default=None, description="Any of these types.")
    token_in: strawberry.ID | None = strawberry.field(default=None, description=_TOKEN_IN)
    token_out: strawberry.ID | None = strawberry.field(default=None, description=_TOKEN_OUT)
    venue: strawberry.ID | None = strawberry.field(
        default=None, description="Id of the venue of the last attempt."
    )
    created_after: datetime | None = strawberry.field(
        default=None, description="Accepted later than this."
    )
    created_before: datetime | None = strawberry.field(
        default=None, description="Accepted earlier than this."
    )
