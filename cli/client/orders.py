"""Show the order history, and what becomes of it."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from gql import GraphQLRequest, gql
from gql.client import AsyncClientSession
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.client.connection import Unreachable, ask, follow
from cli.client.event_text import EVENT_FIELDS, event_line
from cli.client.order_page import ORDER_FIELDS, OrderPage

_WIDTH_OF_NO_TERMINAL = 200
_CAUGHT_UP_ORDERS = 50  # with their events they are most of what one query may cost

_FOLLOW = gql(f"""
subscription Events($filter: OrderFilter) {{
  orderEvents(filter: $filter) {{ {EVENT_FIELDS} order {{ {ORDER_FIELDS} }} }}
}}
""")
_SEQUENCES = gql("""
query Sequences($filter: OrderFilter, $first: Int) {
  orders(filter: $filter, first: $first) { nodes { id sequence } }
}
""")
_MISSED = gql(f"""
query Missed($filter: OrderFilter, $first: Int) {{
  orders(filter: $filter, first: $first) {{
    nodes {{ {ORDER_FIELDS} events {{ {EVENT_FIELDS} }} }}
  }}
}}
""")


async def show_orders(page: OrderPage, *, as_json: bool, follows: bool) -> int:
    """Print the page, and with `follows` what becomes of it; return the exit status."""
    out = Console(highlight=False, markup=False)
    if not out.is_terminal:
        out = Console(highlight=False, markup=False, width=_WIDTH_OF_NO_TERMINAL)
    if follows and (as_json or not out.is_terminal):
        async with aclosing(_events(page)) as events:
            async for event in events:
                line = Text(json.dumps(event)) if as_json else event_line(event, with_order=True)
                out.print(line, soft_wrap=True)
        return 0
    await page.read()
    if follows:
        await _keep_up_to_date(page, out)
    elif as_json:
        for order in page.rows:
            out.print(json.dumps(order), soft_wrap=True)
    else:
        out.print(page.table(width=out.width) if page.rows else "There are no such orders.")
    return 0


async def _keep_up_to_date(page: OrderPage, out: Console) -> None:
    with Live(page.table(width=out.width), console=out, auto_refresh=False) as live:

        async def read(session: AsyncClientSession) -> list[dict[str, Any]]:
            await page.read(session)
            live.update(page.table(width=out.width), refresh=True)
            return []

        # Without the status: an order that leaves it has to be seen leaving.
        stream = follow(page.url, _FOLLOW, lambda: {"filter": page.others}, read)
        async with aclosing(stream):
            async for result in stream:
                if page.take(result["orderEvents"]["order"]):
                    with suppress(Unreachable):  # the next connection begins with reading it
                        await page.read()
                live.update(page.table(width=out.width), refresh=True)


async def _events(page: OrderPage) -> AsyncGenerator[dict[str, Any], None]:
    """Yield each event once, those of a broken connection as far as the newest orders have them."""
    newest = {"filter": page.others, "first": _CAUGHT_UP_ORDERS}
    answer = await ask(page.url, _SEQUENCES, **newest)
    seen: dict[str, int] = {order["id"]: order["sequence"] for order in answer["orders"]["nodes"]}

    async def missed(session: AsyncClientSession) -> list[dict[str, Any]]:
        answer = await session.execute(GraphQLRequest(_MISSED, variable_values=newest))
        return [
            {"orderEvents": event | {"order": order}}
            for order in reversed(answer["orders"]["nodes"])
            for event in order.pop("events")
            if not page.statuses or event["status"] in page.statuses
        ]

    stream = follow(page.url, _FOLLOW, lambda: {"filter": page.filter}, missed)
    async with aclosing(stream):
        async for result in stream:
            event = result["orderEvents"]
            if event["sequence"] > seen.get(event["orderId"], 0):
                seen[event["orderId"]] = event["sequence"]
                yield event
