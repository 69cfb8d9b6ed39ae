"""Pools that open while the devnet runs, with a token nobody knew before."""

import hashlib
import re
from fractions import Fraction

from engine.amounts import parse_amount
from engine.devnet.chance import draw
from engine.devnet.genesis import bins_around, nearest_bin
from engine.errors import EngineError, ErrorCode
from engine.pools.bins import DlmmParameters
from engine.pools.cpmm import ConstantProductPool
from engine.pools.listed import ListedPool, PoolState
from engine.pools.swap import AmountOutOfRange, InvalidPool
from engine.tokens import SOL, USDC, USDT, Token, TokenList, base58, is_mint

QUOTE_TOKENS = (SOL, USDC, USDT)
MAX_DECIMALS = 12
_SYMBOL = re.compile(r"[A-Z0-9]{1,10}", re.ASCII)
_NEW_PAIR = DlmmParameters(bin_step=100, base_factor=10_000)
"""Meteora's preset for new tokens: bins of 1 %, a fee of 1 %, more while the price jumps."""


def read_launch(
    tokens: TokenList,
    *,
    venue: str,
    mint: str,
    symbol: str,
    decimals: int,
    quote_token: str,
    reserve: str,
    quote_reserve: str,
) -> ListedPool:
    """Return the pool to open, of the kind the venue lists.

    Raises EngineError with the input's path: UNKNOWN_VENUE for one that is not of the devnet,
    UNKNOWN_TOKEN for what is no mint or no symbol, or for either being taken, UNSUPPORTED_PAIR
    for another quote token, and the codes of amounts: AMOUNT_OUT_OF_RANGE also for a price that
    no pool of the venue can have. The first price of a DLMM pool is its nearest bin's.
    """
    token = _token(mint, symbol, decimals, tokens)
    quote = tokens.find(quote_token, field=("input", "quoteToken"))
    if quote not in QUOTE_TOKENS or token.mint == quote.mint:
        raise EngineError(
            ErrorCode.UNSUPPORTED_PAIR,
            f"A pool opens against {', '.join(t.symbol for t in QUOTE_TOKENS)}.",
            field=("input", "quoteToken"),
        )
    held = parse_amount(reserve, token, field=("input", "reserve"))
    quote_held = parse_amount(quote_reserve, quote, field=("input", "quoteReserve"))
    return ListedPool(
        id=f"{venue}:{token.symbol}-{quote.symbol}",
        venue=venue,
        token_x=token,
        token_y=quote,
        state=_state(venue, held, quote_held),
    )


def scheduled_launch(seed: str, slot: int) -> ListedPool:
    """Return the pool that the seed has open in `slot`: a token against SOL, on either venue."""
    number = draw(seed, "launch", slot)
    mint = base58(hashlib.blake2b(repr((seed, "mint", slot)).encode(), digest_size=32).digest())
    token = Token(f"T{slot}"[:10], mint, 6, f"Token of slot {slot}")
    venue = ("raydium", "meteora")[number & 1]
    held = 10**9 * 10**token.decimals
    quote_held = (50 + number % 450) * 10**SOL.decimals
    return ListedPool(
        id=f"{venue}:{token.symbol}-SOL",
        venue=venue,
        token_x=token,
        token_y=SOL,
        state=_state(venue, held, quote_held),
    )


def _token(mint: str, symbol: str, decimals: int, tokens: TokenList) -> Token:
    if not is_mint(mint):
        raise _bad(f"{mint[:64]!r} is not the address of a mint.", "mint")
    if not _SYMBOL.fullmatch(symbol):
        raise _bad("A symbol is 1 to 10 of A-Z and 0-9.", "symbol")
    if not 0 <= decimals <= MAX_DECIMALS:
        raise EngineError(
            ErrorCode.AMOUNT_OUT_OF_RANGE,
            f"A token has 0 to {MAX_DECIMALS} decimals.",
            field=("input", "decimals"),
        )
    token = Token(symbol, mint, decimals, symbol)
    for known in tokens:
        same_mint = known.mint == mint
        if (known.symbol == symbol) != same_mint or (same_mint and known.decimals != decimals):
            raise _bad(f"{known.symbol} is {known.mint} with {known.decimals} decimals.", "symbol")
        # One more pool of a token that is there already: it stays what it is known as.
        if same_mint:
            token = known
    return token


def _state(venue: str, held: int, quote_held: int) -> PoolState:
    try:
        if venue == "raydium":
            return ConstantProductPool(held, quote_held)
        if venue == "meteora":
            first = nearest_bin(Fraction(quote_held, held), _NEW_PAIR.bin_step)
            return bins_around(_NEW_PAIR, first, held, quote_held)
    except (AmountOutOfRange, InvalidPool):
        raise EngineError(
            ErrorCode.AMOUNT_OUT_OF_RANGE,
            "No pool can hold these reserves at this price.",
            field=("input", "reserve"),
        ) from None
    raise EngineError(
        ErrorCode.UNKNOWN_VENUE,
        f"{venue[:64]!r} is no venue of the devnet.",
        field=("input", "venue"),
    )


def _bad(message: str, field: str) -> EngineError:
    return EngineError(ErrorCode.UNKNOWN_TOKEN, message, field=("input", field))
