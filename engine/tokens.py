"""The tokens this devnet knows.

Mints, names and decimals are those of Solana mainnet, as listed by hummingbot/gateway
(src/templates/tokens/solana/mainnet-beta.json @ d2650220ab82) and, for WIF, ORCA and JITOSOL,
in agreeing public files.
"""

import re
from dataclasses import dataclass

from engine.errors import EngineError, ErrorCode


@dataclass(frozen=True, slots=True)
class Token:
    """A mint on Solana. `decimals` says how many atoms make one whole unit: 10**decimals."""

    symbol: str
    mint: str
    decimals: int
    name: str


SOL = Token("SOL", "So11111111111111111111111111111111111111112", 9, "Wrapped SOL")
USDC = Token("USDC", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", 6, "USD Coin")
USDT = Token("USDT", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", 6, "Tether USD")
BONK = Token("BONK", "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", 5, "Bonk")
JUP = Token("JUP", "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN", 6, "Jupiter")
RAY = Token("RAY", "4k3Dyjzvzp8eMZWUXbBCjEvwSkkk59S5iCNLY3QrkX6R", 6, "Raydium")
MSOL = Token("MSOL", "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So", 9, "Marinade staked SOL")
JITOSOL = Token("JITOSOL", "J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn", 9, "Jito Staked SOL")
PYTH = Token("PYTH", "HZ1JovNiVvGrGNiiYvEozEVgZ58xaU3RKwX8eACQBCt3", 6, "Pyth Network")
ETH = Token("ETH", "7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs", 8, "Ether (Wormhole)")
CBBTC = Token("CBBTC", "cbbtcf3aa214zXHbiAZQwf4122FBYbraNdFqgw4iMij", 8, "Coinbase Wrapped BTC")
HNT = Token("HNT", "hntyVP6YFm1Hg25TN9WGLqM12b8TQmcknKrdu1oxWux", 8, "Helium")
PENGU = Token("PENGU", "2zMMhcVQEXDtdE6vsFS7S7D5oUodfJHE8vd1gnBouauv", 6, "Pudgy Penguins")
MET = Token("MET", "METvsvVRapdj9cFLzq4Tr43xK4tAjQfwX76z3n6mWQL", 6, "Meteora")
WIF = Token("WIF", "EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm", 6, "dogwifhat")
ORCA = Token("ORCA", "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE", 6, "Orca")

TOKENS = (
    *(SOL, USDC, USDT, BONK, JUP, RAY, MSOL, JITOSOL),
    *(PYTH, ETH, CBBTC, HNT, PENGU, MET, WIF, ORCA),
)
"""The tokens every devnet begins with."""

_BY_NAME = {name: token for token in TOKENS for name in (token.symbol, token.mint)}
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MINT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}", re.ASCII)


def learn_token(token: Token) -> None:
    """Remember a token launched since. What a mint stands for never changes, so twice is once."""
    _BY_NAME.setdefault(token.symbol, token)
    _BY_NAME.setdefault(token.mint, token)


def known_tokens() -> list[Token]:
    """Return every token this process knows, those launched since at the end."""
    return list(dict.fromkeys(_BY_NAME.values()))


def is_known(mint: str) -> bool:
    """Say whether this process knows what a mint stands for."""
    return mint in _BY_NAME


def is_mint(text: str) -> bool:
    """Say whether `text` could be the address of a mint: 32 bytes in base58."""
    return _MINT.fullmatch(text) is not None


def token_or_stranger(mint: str) -> Token:
    """Return the token of a mint; one without a name or decimals where nobody knows it yet."""
    return _BY_NAME.get(mint) or Token(mint[:4], mint, 0, "Not launched yet")


def find_token(symbol_or_mint: str, *, field: tuple[str, ...] | None = None) -> Token:
    """Return the token of this symbol or mint, case-sensitive as mints are.

    Raises EngineError UNKNOWN_TOKEN, naming `field`.
    """
    token = _BY_NAME.get(symbol_or_mint)
    if token is None:
        raise EngineError(
            ErrorCode.UNKNOWN_TOKEN,
            f"No token has the symbol or mint {symbol_or_mint[:64]!r}.",
            field=field,
        )
    return token


def base58(raw: bytes) -> str:
    """Return bytes as Solana writes addresses and signatures."""
    number, digits = int.from_bytes(raw), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    leading_zeros = len(raw) - len(raw.lstrip(b"\0"))
    return "1" * leading_zeros + "".join(reversed(digits))
