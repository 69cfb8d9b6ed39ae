"""Ask for a price, once or for as long as it is watched."""

import json
from contextlib import aclosing
from decimal import Decimal
from typing import Any

from gql import gql
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.client.connection import change, follow
from cli.client.figures import plain, price_text

_WIDTH_OF_NO_TERMINAL = 200
_FIELDS = """
  amountIn amountOut minAmountOut price priceImpactBps quotedAt
  route { venue { id name } pool amountIn amountOut fee shareBps }
  compared {
    venue { id name } amountOut price priceImpactBps fee latencyMs failure { code message }
  }
"""
_ASK = gql(
    "query Quote($input: QuoteInput!) { quote(input: $input) {"
    f"  quote {{ {_FIELDS} }} userErrors {{ code message field }}"
    "} }"
)
_FOLLOW = gql(
    f"subscription Quotes($input: QuoteInput!) {{ quotes(input: $input) {{ {_FIELDS} }} }}"
)


async def show_quote(asked: dict[str, Any], url: str, *, as_json: bool, follows: bool) -> int:
    """Print a quote, and with `follows` each fresh one; return the exit status."""
    out = Console(highlight=False, markup=False)
    if not out.is_terminal:
        out = Console(highlight=False, markup=False, width=_WIDTH_OF_NO_TERMINAL)
    given = {name: value for name, value in asked.items() if value is not None}
    # A refusal names the field at fault here; the stream's would not.
    quote = (await change(url, _ASK, input=given))["quote"]
    if not follows:
        out.print(Text(json.dumps(quote)) if as_json else _tables(quote, asked), soft_wrap=as_json)
        return 0
    stream = follow(url, _FOLLOW, lambda: {"input": given})
    if as_json or not out.is_terminal:
        async with aclosing(stream):
            async for result in stream:
                quote = result["quotes"]
                line = Text(json.dumps(quote)) if as_json else _line(quote, asked)
                out.print(line, soft_wrap=True)
        return 0
    with Live(_tables(quote, asked), console=out, auto_refresh=False) as live:
        async with aclosing(stream):
            async for result in stream:
                live.update(_tables(result["quotes"], asked), refresh=True)
    return 0


def _line(quote: dict[str, Any], asked: dict[str, Any]) -> Text:
    venues = " + ".join(f"{leg['venue']['name']} {_percent(leg)}" for leg in quote["route"])
    return Text.assemble(
        (quote["quotedAt"][11:23] + "  ", "dim"),
        (f"{quote['amountOut']} {asked['tokenOut']}", "bold"),
        f"  price {price_text(quote['price'])}  impact {quote['priceImpactBps']} bps  via {venues}",
    )


def _tables(quote: dict[str, Any], asked: dict[str, Any]) -> Group:
    paid, bought = asked["tokenIn"], asked["tokenOut"]
    total = Table.grid(padding=(0, 2))
    total.add_row("pays", Text(f"{quote['amountIn']} {paid}", "bold"))
    total.add_row("gets", Text(f"{quote['amountOut']} {bought}", "bold green"))
    total.add_row("at least", f"{quote['minAmountOut']} {bought}, {asked['slippageBps']} bps less")
    total.add_row("price", f"{price_text(quote['price'])} {bought}/{paid}")
    total.add_row("impact", f"{quote['priceImpactBps']} bps")
    total.add_row("quoted at", Text(quote["quotedAt"], "dim"))
    return Group(total, "", _route(quote["route"]), "", _compared(quote["compared"]))


def _route(legs: list[dict[str, Any]]) -> Table:
    table = _table("Route", "Pool")
    for name in ("In", "Out", "Fee", "Share"):
        table.add_column(name, justify="right")
    for leg in legs:
        amounts = (leg["amountIn"], leg["amountOut"], leg["fee"])
        table.add_row(leg["venue"]["name"], leg["pool"], *amounts, _percent(leg))
    return table


def _compared(answers: list[dict[str, Any]]) -> Table:
    table = _table("Venue")
    for name in ("Out", "Price", "Impact", "Fee", "Took"):
        table.add_column(name, justify="right")
    table.add_column("Failure", style="red")
    for answer in answers:
        impact = answer["priceImpactBps"]
        table.add_row(
            answer["venue"]["name"],
            answer["amountOut"],
            price_text(answer["price"]) if answer["price"] else None,
            None if impact is None else f"{impact} bps",
            answer["fee"],
            f"{answer['latencyMs']} ms",
            answer["failure"]["code"] if answer["failure"] else None,
        )
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=True)
    return table


def _percent(leg: dict[str, Any]) -> str:
    return f"{plain(Decimal(leg['shareBps']) / 100)} %"
