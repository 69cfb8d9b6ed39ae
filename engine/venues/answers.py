"""What a venue's answers must look like before anything is made of them.

A venue may be anybody's code: what types promise is looked at.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from engine.amounts import BPS, MAX_ATOMS
from engine.errors import ErrorCode
from engine.pools.book import PoolBook
from engine.swaps.swap import Quote, RouteLeg, Swap
from engine.swaps.transaction import (
    SignedTransaction,
    StatusReport,
    TransactionState,
    TransactionStatus,
)

_MOST_SLOT = 2**31 - 1
_LONGEST_NAME = 256
_MOST_DIGITS = 60
_FILLED = (TransactionState.LANDED, TransactionState.CONFIRMED)


class Unsound(Exception):
    """An answer that is none; the message says what is wrong with it."""


def sound_quote(quote: Quote, swap: Swap, venue: str) -> Quote:
    """Return the quote, or raise Unsound unless it is for the swap and of the venue."""
    _require(isinstance(quote, Quote), f"a quote of type {type(quote).__name__}")
    _require(quote.venue == venue, "a quote of another venue")
    _require(quote.amount_in == swap.amount_in, "a quote for another amount")
    _require(_is_atoms(quote.amount_out, least=1), "an amount_out that is no amount")
    _require(_is_atoms(quote.fee), "a fee that is no amount")
    price, impact = quote.price, quote.price_impact_bps
    _require(_is_decimal(price) and price > 0, "a price that is none")
    _require(_is_decimal(impact) and abs(impact) <= BPS, "a price impact that is none")
    _require(quote.book is None or isinstance(quote.book, PoolBook), "a book that is none")
    _require_route(quote.route)
    ends = quote.route[0].token_in, quote.route[-1].token_out
    _require(ends == (swap.token_in.mint, swap.token_out.mint), "a route between other tokens")
    return quote


def sound_transaction(signed: SignedTransaction) -> SignedTransaction:
    """Return the transaction, or raise Unsound unless it can be stored and sent again."""
    _require(isinstance(signed, SignedTransaction), f"a transaction of {type(signed).__name__}")
    _require(_is_name(signed.signature), "a signature that is none")
    _require(isinstance(signed.payload, bytes), "a payload that is not bytes")
    _require(_is_slot(signed.last_valid_slot), "a last valid slot that is none")
    return signed


def sound_report(report: StatusReport) -> StatusReport:
    """Return the report, or raise Unsound unless it has a slot and a mapping of statuses."""
    _require(isinstance(report, StatusReport), f"a report of type {type(report).__name__}")
    _require(_is_slot(report.slot), "a slot that is none")
    _require(isinstance(report.statuses, Mapping), "statuses that are no mapping")
    return report


def sound_status(status: TransactionStatus) -> TransactionStatus:
    """Return the status, or raise Unsound for a fill without its figures or with wrong ones."""
    _require(isinstance(status, TransactionStatus), f"a status of type {type(status).__name__}")
    _require(isinstance(status.state, TransactionState), "a state that is none")
    _require(status.code is None or isinstance(status.code, ErrorCode), "a code that is none")
    if status.state in _FILLED:
        _require(_is_atoms(status.amount_out, least=1), "a fill without its amount_out")
        _require(status.fee is None or _is_atoms(status.fee), "a fee that is no amount")
        _require(status.slot is None or _is_slot(status.slot), "a slot that is none")
        if status.route:
            _require_route(status.route)
    return status


def plain(text: str) -> str:
    """Return text that can be stored and shown: at most 256 characters, all of them printable."""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST_NAME])


def _require(sound: bool, what: str) -> None:
    if not sound:
        raise Unsound(what)


def _require_route(route: Any) -> None:
    _require(isinstance(route, Iterable) and bool(route), "a route without legs")
    for leg in route:
        _require(isinstance(leg, RouteLeg), "a route of something else than legs")
        named = all(map(_is_name, (leg.venue, leg.pool, leg.token_in, leg.token_out)))
        _require(named, "a leg with a name that is none")
        counted = all(map(_is_atoms, (leg.amount_in, leg.amount_out, leg.fee)))
        _require(counted and 0 <= leg.share_bps <= BPS, "a leg with amounts that are none")


def _is_atoms(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value <= MAX_ATOMS


def _is_slot(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_SLOT


def _is_decimal(value: Any) -> bool:
    if not isinstance(value, Decimal) or not value.is_finite():
        return False
    return -_MOST_DIGITS <= value.adjusted() <= _MOST_DIGITS


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()
