"""What a venue promises of itself and its quotes. A docstring is the promise as people read it."""

import re
from contextlib import suppress
from decimal import Decimal

from cli.venue_check.trial import Promise, Trial, require, require_route
from engine.amounts import MAX_ATOMS, min_amount_out, price
from engine.errors import EngineError, ErrorCode
from engine.tokens import TOKENS, Token

NOBODYS = Token("NOBODYS", "11111111111111111111111111111111", 9, "The System Program, no token")

REFUSALS = {
    *(ErrorCode.VENUE_UNAVAILABLE, ErrorCode.VENUE_TIMEOUT, ErrorCode.VENUE_RATE_LIMITED),
    *(ErrorCode.VENUE_REJECTED, ErrorCode.NO_ROUTE, ErrorCode.INSUFFICIENT_LIQUIDITY),
    *(ErrorCode.ZERO_OUTPUT, ErrorCode.AMOUNT_OUT_OF_RANGE),
}

_PRICE_TOLERANCE = Decimal("1e-9")


async def it_is_named(trial: Trial) -> None:
    """It has a short id, that of its entry point, a name, and says whether it is simulated."""
    venue = trial.venue
    require(venue.id == trial.entry_point, f"the id is {venue.id!r}")
    require(bool(re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", venue.id)), f"the id is {venue.id!r}")
    require(bool(venue.name.strip()), "the name is empty")
    require(isinstance(venue.simulated, bool), f"simulated is {venue.simulated!r}")


async def it_is_healthy(trial: Trial) -> None:
    """It says that it would answer a quote now."""
    require(await trial.venue.healthy() is True, "healthy() is not True")


async def it_knows_what_it_trades(trial: Trial) -> None:
    """It trades the pair, and no token that does not exist."""
    paid, bought = trial.swap.token_in, trial.swap.token_out
    require(await trial.venue.trades(paid, bought) is True, "it does not trade the pair")
    for pair in ((paid, NOBODYS), (NOBODYS, bought)):
        require(await trial.venue.trades(*pair) is False, "it trades a token that does not exist")


async def what_it_does_not_trade_has_no_route(trial: Trial) -> None:
    """A quote for a pair it does not trade is refused with NO_ROUTE."""
    paid = trial.swap.token_in
    for token in (NOBODYS, *TOKENS):
        if token == paid or await trial.venue.trades(paid, token):
            continue
        error = await trial.refusal(token_out=token)
        require(error is not None, f"it quotes {token.symbol}, which it says it does not trade")
        code = error and error.code
        require(code is ErrorCode.NO_ROUTE, f"the code for {token.symbol} is {code}")


async def quotes_are_exact(trial: Trial) -> None:
    """A quote is for the exact amount, in whole atoms, with its fee and a price that fits."""
    swap, quote = trial.swap, await trial.quote()
    whole = all(type(atoms) is int for atoms in (quote.amount_in, quote.amount_out, quote.fee))
    require(whole, "amounts and fee are not all of type int")
    require(quote.venue == trial.venue.id, f"it names the venue {quote.venue!r}")
    require(quote.amount_in == swap.amount_in, f"it is for {quote.amount_in} atoms")
    require(0 < quote.amount_out <= MAX_ATOMS, f"amount_out is {quote.amount_out}")
    require(0 <= quote.fee <= quote.amount_in, f"the fee is {quote.fee}")
    fits = price(quote.amount_in, swap.token_in, quote.amount_out, swap.token_out)
    off = abs(quote.price - fits)
    require(off <= fits * _PRICE_TOLERANCE, f"the price is {quote.price}, amounts make {fits}")


async def routes_add_up(trial: Trial) -> None:
    """The legs of a quote lead from the one token to the other and lose nothing on the way."""
    quote = await trial.quote()
    require(bool(quote.route), "the route is empty")
    require_route(quote.route, trial.swap, trial.venue.id, quote.amount_out)


async def more_buys_no_less(trial: Trial) -> None:
    """A bigger amount never gets less."""
    before = await trial.quote()
    for times in (2, 10, 100):
        amount = min(times * trial.swap.amount_in, MAX_ATOMS)
        try:
            quote = await trial.quote(amount_in=amount)
        except EngineError:
            return  # more than it takes
        got, less = quote.amount_out, before.amount_out
        require(got >= less, f"{amount} atoms get {got}, {before.amount_in} get {less}")
        before = quote


async def depth_has_an_end(trial: Trial) -> None:
    """The greatest amount there is gets a worse price or is refused."""
    quote = await trial.quote()
    with suppress(EngineError):
        greatest = await trial.quote(amount_in=MAX_ATOMS)
        fair = quote.amount_out * greatest.amount_in // quote.amount_in
        worse = greatest.amount_out < min_amount_out(fair, 1)  # by more than rounding
        require(worse, f"{MAX_ATOMS} atoms get no worse price than {quote.amount_in}")


async def refusals_are_typed(trial: Trial) -> None:
    """A refused quote is an EngineError with the venue's id and a code of the protocol."""
    refusals = [
        await trial.refusal(token_out=NOBODYS),
        await trial.refusal(amount_in=MAX_ATOMS),
        await trial.refusal(amount_in=1),
    ]
    for error in refusals:
        if error is not None:
            require(error.code in REFUSALS, f"{error.code} is none of the protocol's codes")
            require(error.venue == trial.venue.id, f"{error.code} names the venue {error.venue!r}")


QUOTE_PROMISES: tuple[Promise, ...] = (
    it_is_named,
    it_is_healthy,
    it_knows_what_it_trades,
    what_it_does_not_trade_has_no_route,
    quotes_are_exact,
    routes_add_up,
    more_buys_no_less,
    depth_has_an_end,
    refusals_are_typed,
)
