"""The commands that ask the market for a price, and open a pool in it, through the API alone."""

import sys
from typing import Annotated

import typer

from cli.client import options
from cli.process import api_address

app = typer.Typer()


@app.command()
def quote(
    token_in: options.TokenIn,
    token_out: options.TokenOut,
    amount: options.Amount,
    url: options.Url = None,
    slippage_bps: options.SlippageBps = 50,
    venue: options.Venues = None,
    split: options.Split = True,
    json: options.Json = False,
    follow: options.Follow = False,
) -> None:
    """Show what a swap would give now, and every venue's answer side by side.

    Exit status: 0 quoted, 1 refused, 2 the server cannot be reached.
    """
    from cli.client.connection import run
    from cli.client.quote import show_quote

    asked = {
        "tokenIn": token_in,
        "tokenOut": token_out,
        "amount": amount,
        "slippageBps": slippage_bps,
        "venues": venue or None,
        "allowSplit": split,
    }
    work = show_quote(asked, api_address(url), as_json=json, follows=follow)
    sys.exit(run(work, as_json=json))


@app.command()
def launch(
    symbol: Annotated[str, typer.Argument(help="The token's ticker, 1 to 10 of A-Z and 0-9.")],
    mint: Annotated[str, typer.Option(help="The token's address, 32 bytes in base58.")],
    reserve: Annotated[str, typer.Option(help="Whole units of the token in the pool.")],
    quote_reserve: Annotated[str, typer.Option(help="Whole units of the quote token in the pool.")],
    quote: Annotated[str, typer.Option(help="The quote token: SOL, USDC or USDT.")] = "SOL",
    decimals: Annotated[int, typer.Option(help="The token's decimals.", min=0, max=12)] = 6,
    venue: Annotated[str, typer.Option(help="The simulated venue that lists it.")] = "raydium",
    url: options.Url = None,
    json: options.Json = False,
) -> None:
    """Open a pool with a new token on the devnet, which sniper orders wait for.

    Exit status: 0 open, 1 refused, 2 the server cannot be reached.
    """
    from cli.client.connection import run
    from cli.client.launch import launch_pool

    asked = {
        "venue": venue,
        "mint": mint,
        "symbol": symbol,
        "decimals": decimals,
        "quoteToken": quote,
        "reserve": reserve,
        "quoteReserve": quote_reserve,
    }
    sys.exit(run(launch_pool(asked, api_address(url), as_json=json), as_json=json))
