"""The tokens this devnet knows.

Mints, names and decimals are those of Solana mainnet, as listed by hummingbot/gateway
(src/templates/tokens/solana/mainnet-beta.json @ d2650220ab82) and, for WIF, ORCA and JITOSOL,
in agreeing public files.
"""

from collections.abc import Iterable, Iterator
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

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MINT_BYTES = 32
_LONGEST_MINT = 44


class TokenList:
    """What symbols and mints mean: the tokens every devnet begins with, and those launched since.

    A list never changes; one that knows more is another list.
    """

    __slots__ = ("_by_name",)

    def __init__(self, launched: Iterable[Token] = ()) -> None:
        self._by_name: dict[str, Token] = {}
        for token in (*TOKENS, *launched):
            # What a name stands for never changes: whoever had it first keeps it.
            self._by_name.setdefault(token.symbol, token)
            self._by_name.setdefault(token.mint, token)

    def __contains__(self, symbol_or_mint: str) -> bool:
        return symbol_or_mint in self._by_name

    def __iter__(self) -> Iterator[Token]:
        """Yield every token once, those launched since at the end."""
        return iter(dict.fromkeys(self._by_name.values()))

    def find(self, symbol_or_mint: str, *, field: tuple[str, ...] | None = None) -> Token:
        """Return the token of this symbol or mint, case-sensitive as mints are.

        Raises EngineError UNKNOWN_TOKEN, naming `field`.
        """
        token = self._by_name.get(symbol_or_mint)
        if token is None:
            raise EngineError(
                ErrorCode.UNKNOWN_TOKEN,
                f"No token has the symbol or mint {symbol_or_mint[:64]!r}.",
                field=field,
            )
        return token

    def of_mint(self, mint: str) -> Token:
        """Return the token of a mint, a stranger where nobody knows it yet."""
        return self._by_name.get(mint) or stranger(mint)

    def with_launched(self, launched: Iterable[Token]) -> "TokenList":
        """Return the list that knows these too."""
        news = [token for token in launched if token.mint not in self._by_name]
        return TokenList((*self, *news)) if news else self


GENESIS = TokenList()
"""The list of a devnet on which nothing was launched yet."""


def is_launched(token: Token) -> bool:
    """Say whether a token came to the devnet after its beginning."""
    return token not in TOKENS and not is_stranger(token)


def stranger(mint: str) -> Token:
    """Return what stands for a mint that nobody knows yet: no decimals, and no name of another's.

    The ellipsis is in no symbol, so it is never taken for a token that is known.
    """
    return Token(f"{mint[:4]}…{mint[-4:]}", mint, 0, _NOT_LAUNCHED)


_NOT_LAUNCHED = "Not launched yet"


def is_stranger(token: Token) -> bool:
    """Say whether a token is one that nobody knows yet."""
    return token.name == _NOT_LAUNCHED


def is_mint(text: str) -> bool:
    """Say whether `text` could be the address of a mint: 32 bytes in base58."""
    if not text or len(text) > _LONGEST_MINT or not set(text) <= set(_BASE58):
        return False
    number = 0
    for digit in text:
        number = number * len(_BASE58) + _BASE58.index(digit)
    leading_zeros = len(text) - len(text.lstrip(_BASE58[0]))
    return leading_zeros + (number.bit_length() + 7) // 8 == _MINT_BYTES


def base58(raw: bytes) -> str:
    """Return bytes as Solana writes addresses and signatures."""
    number, digits = int.from_bytes(raw), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    leading_zeros = len(raw) - len(raw.lstrip(b"\0"))
    return "1" * leading_zeros + "".join(reversed(digits))
