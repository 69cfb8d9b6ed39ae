"""The commands that place, follow, cancel and list orders, through the API alone."""

import sys
from typing import Annotated

import typer

from cli.client import options
from cli.process import api_address

app = typer.Typer()


@app.command()
def order(
    token_in: options.TokenIn,
    token_out: options.TokenOut,
    amount: options.Amount,
    url: options.Url = None,
    slippage_bps: options.SlippageBps = 50,
    min_amount_out: Annotated[str | None, typer.Option(help="The least to receive.")] = None,
    venue: options.Venues = None,
    split: options.Split = True,
    simulate: options.Simulate = None,
    client_order_id: options.ClientOrderId = None,
    json: options.Json = False,
    follow: options.FollowToEnd = True,
) -> None:
    """Place a market order and follow it to its end.

    Exit status: 0 confirmed, 1 failed or refused, 2 the server cannot be reached.
    """
    asked = {
        "tokenIn": token_in,
        "tokenOut": token_out,
        "amount": amount,
        "slippageBps": slippage_bps,
        "minAmountOut": min_amount_out,
        "venues": venue or None,
        "allowSplit": split,
        "simulate": options.faults(simulate),
        "clientOrderId": client_order_id,
    }
    from cli.client.order import MARKET, place

    sys.exit(place(MARKET, asked, api_address(url), as_json=json, follows=follow))


@app.command()
def limit(
    token_in: options.TokenIn,
    token_out: options.TokenOut,
    amount: options.Amount,
    at: Annotated[
        str, typer.Option(help="The least TOKEN_OUT per TOKEN_IN, fees and impact included.")
    ],
    expires_in: options.ExpiresIn = None,
    expires_at: options.ExpiresAt = None,
    url: options.Url = None,
    venue: options.Venues = None,
    split: options.Split = True,
    simulate: options.Simulate = None,
    client_order_id: options.ClientOrderId = None,
    json: options.Json = False,
    follow: options.FollowToEnd = True,
) -> None:
    """Place a limit order and follow it to its end, with the best price while it waits.

    Exit status: 0 confirmed, 1 ended otherwise or refused, 2 the server cannot be reached.
    """
    asked = {
        "tokenIn": token_in,
        "tokenOut": token_out,
        "amount": amount,
        "limitPrice": at,
        "expiresAt": options.expiry(expires_in, expires_at),
        "venues": venue or None,
        "allowSplit": split,
        "simulate": options.faults(simulate),
        "clientOrderId": client_order_id,
    }
    from cli.client.order import LIMIT, place

    sys.exit(place(LIMIT, asked, api_address(url), as_json=json, follows=follow))


@app.command()
def snipe(
    token_in: options.TokenIn,
    token_out: Annotated[
        str, typer.Argument(help="Mint or symbol of the token bought; it need not exist yet.")
    ],
    amount: options.Amount,
    max_price: Annotated[
        str | None, typer.Option(help="The most TOKEN_IN per TOKEN_OUT, fees and impact included.")
    ] = None,
    min_liquidity: Annotated[
        str | None, typer.Option(help="What its pool must hold, in whole units of TOKEN_IN.")
    ] = None,
    slippage_bps: options.SlippageBps = 500,
    expires_in: options.ExpiresIn = None,
    expires_at: options.ExpiresAt = None,
    url: options.Url = None,
    venue: options.Venues = None,
    simulate: options.Simulate = None,
    client_order_id: options.ClientOrderId = None,
    json: options.Json = False,
    follow: options.FollowToEnd = True,
) -> None:
    """Buy a token as soon as it has a pool, and follow the order to its end.

    Exit status: 0 confirmed, 1 ended otherwise or refused, 2 the server cannot be reached.
    """
    asked = {
        "tokenIn": token_in,
        "tokenOut": token_out,
        "amount": amount,
        "maxPrice": max_price,
        "minLiquidity": min_liquidity,
        "slippageBps": slippage_bps,
        "expiresAt": options.expiry(expires_in, expires_at),
        "venues": venue or None,
        "simulate": options.faults(simulate),
        "clientOrderId": client_order_id,
    }
    from cli.client.order import SNIPER, place

    sys.exit(place(SNIPER, asked, api_address(url), as_json=json, follows=follow))


@app.command()
def cancel(
    order_id: Annotated[str, typer.Argument(help="The order's id.")],
    url: options.Url = None,
    json: options.Json = False,
) -> None:
    """Cancel an order of which nothing has been sent.

    Exit status: 0 canceled, 1 refused, 2 the server cannot be reached.
    """
    from cli.client.connection import run
    from cli.client.order import cancel_order

    sys.exit(run(cancel_order(order_id, api_address(url), as_json=json), as_json=json))


@app.command()
def orders(
    status: options.Statuses = None,
    type: options.Types = None,
    token_in: Annotated[str | None, typer.Option(help="Only orders that pay this token.")] = None,
    token_out: Annotated[str | None, typer.Option(help="Only orders that buy this token.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=100)] = 20,
    url: options.Url = None,
    json: options.Json = False,
    follow: options.Follow = False,
) -> None:
    """List orders, newest first; with --follow, kept up to date as they change.

    --follow prints a line an event where stdout is no terminal, and with --json.
    """
    from cli.client.connection import run
    from cli.client.order_page import OrderPage
    from cli.client.orders import show_orders

    others = {"type": type or None, "tokenIn": token_in, "tokenOut": token_out}
    given = {name: value for name, value in others.items() if value is not None}
    page = OrderPage(api_address(url), given, status or [], limit)
    sys.exit(run(show_orders(page, as_json=json, follows=follow), as_json=json))
