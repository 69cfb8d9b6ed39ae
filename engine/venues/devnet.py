"""The simulated venues and the pools they list.

Reserves are fixed: the same trade always fills alike. Raydium's pools are deeper; Meteora's are
cheaper (10 bps against 25), so small trades go to Meteora and big ones to Raydium.
"""

from decimal import Decimal

from engine.pools.cpmm import RAYDIUM_CPMM, ConstantProductPool, FeeRates
from engine.tokens import BONK, JUP, RAY, SOL, USDC, USDT, Token
from engine.venues.ledger import Ledger
from engine.venues.simulated import PoolListing, SimulatedVenue

METEORA_FEES = FeeRates(1_000)

# token_x, whole units of it, token_y, whole units of it.
_RAYDIUM_POOLS = (
    (SOL, "50000", USDC, "7500000"),
    (SOL, "20000", USDT, "3000000"),
    (USDC, "9000000", USDT, "9000000"),
    (JUP, "9000000", USDC, "4500000"),
    (JUP, "3000000", SOL, "10000"),
    (RAY, "2000000", USDC, "5000000"),
    (RAY, "600000", SOL, "10000"),
    (BONK, "150000000000", USDC, "3000000"),
    (BONK, "75000000000", SOL, "10000"),
)
_METEORA_POOLS = (
    (SOL, "12000", USDC, "1800960"),
    (SOL, "5000", USDT, "750400"),
    (USDC, "2500000", USDT, "2500250"),
    (JUP, "2000000", USDC, "1000600"),
    (JUP, "700000", SOL, "2334"),
    (RAY, "400000", USDC, "1000600"),
    (RAY, "120000", SOL, "2001"),
    (BONK, "40000000000", USDC, "800400"),
    (BONK, "15000000000", SOL, "2001"),
)


def _list(
    venue: str, pools: tuple[tuple[Token, str, Token, str], ...], fees: FeeRates
) -> list[PoolListing]:
    return [
        PoolListing(
            id=f"{venue}:{x.symbol}-{y.symbol}",
            token_x=x,
            token_y=y,
            pool=ConstantProductPool(_atoms(whole_x, x), _atoms(whole_y, y), fees),
        )
        for x, whole_x, y, whole_y in pools
    ]


def _atoms(whole: str, token: Token) -> int:
    return int(Decimal(whole).scaleb(token.decimals))


_LISTED = {
    "raydium": ("Raydium", _list("raydium", _RAYDIUM_POOLS, RAYDIUM_CPMM)),
    "meteora": ("Meteora", _list("meteora", _METEORA_POOLS, METEORA_FEES)),
}

POOLS = {pool.id: pool for _, pools in _LISTED.values() for pool in pools}
"""Every pool of the devnet by its id."""


def simulated_venues(
    ledger: Ledger, *, quote_latency_ms: int, validity_slots: int
) -> list[SimulatedVenue]:
    """Return the devnet's venues on `ledger`. Quotes take `quote_latency_ms`."""
    return [
        SimulatedVenue(
            id,
            name,
            pools,
            ledger,
            quote_latency_ms=quote_latency_ms,
            validity_slots=validity_slots,
        )
        for id, (name, pools) in _LISTED.items()
    ]
