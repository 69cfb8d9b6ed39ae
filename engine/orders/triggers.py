"""Which waiting orders the market has come to: pure, on a book of pools."""

from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction

from engine.errors import EngineError
from engine.pools.book import PoolBook
from engine.pools.listed import ListedPool
from engine.swaps.paths import Path, best_path, highest_rate
from engine.swaps.swap import Swap
from engine.tokens import Token

_UP = Context(prec=40, rounding=ROUND_CEILING)


class Look:
    """One look at the market. Each order it finds executable takes its part of the pools.

    So the orders behind it see what it will leave, and a price that is good for ten of a thousand
    triggers about ten.
    """

    def __init__(self, book: PoolBook, *, leg_cost_lamports: int) -> None:
        self.book = self._found = book
        self._taken: dict[str, ListedPool] = {}
        self._leg_cost_lamports = leg_cost_lamports

    def best_price(self, token_in: Token, token_out: Token) -> Decimal | None:
        """Return what no order on the pair can beat, tokenOut per tokenIn; None without a way.

        The spot price less the least fees, on the best way: whoever asks for more is not worth a
        closer look.
        """
        rate = highest_rate(token_in, token_out, self.book)
        if rate is None:
            return None
        rate *= Fraction(10) ** (token_in.decimals - token_out.decimals)
        return _UP.divide(Decimal(rate.numerator), Decimal(rate.denominator))

    def quote(self, swap: Swap) -> Path | None:
        """Return what the whole swap would get now, fees and impact included; None for nothing."""
        book = self.book.of(swap.venues) if swap.venues else self.book
        try:
            return best_path(
                swap,
                book,
                allow_split=swap.allow_split,
                leg_cost_lamports=self._leg_cost_lamports,
            )
        except EngineError:
            return None

    def take(self, path: Path) -> None:
        """Leave the pools as they will be once `path` has been executed."""
        self._taken |= {fill.pool.id: fill.after for hop in path.hops for fill in hop.fills}
        taken = PoolBook(self._found.chain, self._found.slot, self._taken, self._found.tokens)
        self.book = PoolBook.together([self._found, taken])
