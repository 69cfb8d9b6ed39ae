"""What the commands show to people: prices cut to six digits, and tables that fit a terminal."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from cli.client.event_text import event_line
from cli.client.figures import price_text
from cli.client.order_page import OrderPage

ID = "01a1fe33-44a4-7231-ba90-53c013af9ea7"


def order(**given: Any) -> dict[str, Any]:
    defaults = {
        "id": ID,
        "type": "LIMIT",
        "status": "WAITING_PRICE",
        "tokenIn": {"symbol": "SOL"},
        "tokenOut": {"symbol": "USDC"},
        "amountIn": "1234.123456789",
        "amountOut": None,
        "limitPrice": None,
        "quotedPrice": None,
        "executedPrice": None,
        "venue": None,
        "attempts": 1,
        "failure": None,
        "createdAt": "2026-01-31T12:00:00.000000Z",
    }
    return defaults | given


def event(order: dict[str, Any], **given: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "occurredAt": "2026-01-31T12:00:00.000000Z",
        "status": "WAITING_PRICE",
        "attempt": 0,
        "isLive": False,
        "quotes": [],
        **dict.fromkeys(("venue", "quotedPrice", "bestPrice", "executedPrice", "amountOut")),
        **dict.fromkeys(("failure", "txSignature")),
    }
    return defaults | {"order": order} | given


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("149.554461333333333", "149.554"),
        ("151.2", "151.2"),
        ("100", "100"),
        ("0.00664567891234567891", "0.00664568"),
        ("0.000000012345678", "0.0000000123457"),
        ("7499999.99999999999", "7500000"),
        ("12345678901.5", "12345678902"),
        ("0.99999999998", "1"),
    ],
)
def test_a_price_has_six_digits_and_no_exponent(exact: str, shown: str) -> None:
    assert price_text(exact) == shown


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ("150.67", "best 150.67 USDC/SOL, 24.66 % below 200"),
        ("200", "best 200 USDC/SOL, meets 200"),
        ("100", "best 100 USDC/SOL, 50.00 % below 200"),
        ("210.123456789", "best 210.123 USDC/SOL, meets 200"),
    ],
)
def test_a_distance_is_a_part_of_the_price_it_names(best: str, said: str) -> None:
    line = event_line(event(order(limitPrice="200"), bestPrice=best)).plain

    assert line.endswith(said)


def test_no_price_of_an_event_has_eighteen_digits() -> None:
    long = "149.554461333333333"
    quote = {"venue": {"name": "Raydium"}, "price": long, "failure": None}
    prices = {"quotedPrice": long, "executedPrice": long}

    line = event_line(event(order(), status="BUILDING", quotes=[quote], **prices)).plain

    assert line.count("149.554 ") + line.count("149.554\n") == 3
    assert long not in line


@pytest.mark.parametrize("width", [80, 100, 149, 150, 200])
def test_the_table_of_orders_fits_and_shows_pair_amount_and_price(width: int) -> None:
    page = OrderPage("http://x", {}, [], 20)
    confirmed = {
        "status": "CONFIRMED",
        "amountOut": "184567.123456",
        "executedPrice": "149.554461333333333",
        "venue": {"name": "Meteora"},
    }
    page.take(order(**confirmed))
    page.take(order(id=ID[:-1] + "8", limitPrice="151.2", attempts=2))
    out = StringIO()

    Console(file=out, width=width, markup=False, highlight=False).print(page.table(width=width))

    text = out.getvalue()
    assert "…" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for part in (ID, "1234.123456789 SOL", "184567.123456 USDC", "149.554", "CONFIRMED", "LIMIT"):
        assert part in text
    assert "WAITING_PRICE" in text
