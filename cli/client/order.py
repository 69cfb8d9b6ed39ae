"""Place an order over HTTP and follow it over graphql-transport-ws, as any client would."""

import asyncio
import json
from contextlib import aclosing
from typing import Any, Protocol

from gql import GraphQLRequest, gql
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.client.connection import change, follow, run
from cli.client.event_text import ENDS, EVENT_FIELDS, event_line
from cli.process import INTERRUPTED

NOT_CONFIRMED = 1

_PLACED = """{
  replayed
  order { id clientOrderId type status }
  userErrors { code message field }
}"""

MARKET = gql(
    "mutation Place($input: ExecuteMarketOrderInput!) { executeMarketOrder(input: $input)"
    + _PLACED
    + "}"
)
LIMIT = gql(
    "mutation Place($input: PlaceLimitOrderInput!) { placeLimitOrder(input: $input)" + _PLACED + "}"
)
SNIPER = gql(
    "mutation Place($input: PlaceSniperOrderInput!) { placeSniperOrder(input: $input)"
    + _PLACED
    + "}"
)
_CANCEL = gql(
    "mutation Cancel($orderId: ID!) { cancelOrder(orderId: $orderId)" + _PLACED + "}",
)
_FOLLOW = gql(
    "subscription Follow($orderId: ID!, $after: Int) {"
    "  orderStatus(orderId: $orderId, after: $after) {"
    + EVENT_FIELDS
    + "    order { type isTerminal tokenIn { symbol } tokenOut { symbol } amountIn limitPrice }"
    "  }"
    "}"
)


class Printer(Protocol):
    """Shows an order's life to a person or a program."""

    def accepted(self, order: dict[str, Any], *, replayed: bool) -> None: ...
    def event(self, event: dict[str, Any]) -> None: ...
    def left(self, order: dict[str, Any]) -> None: ...
    def close(self) -> None: ...


class JsonLines:
    """One JSON object a line."""

    def __init__(self, *, follows: bool = True) -> None:
        self._follows = follows
        self._out = Console(highlight=False, soft_wrap=True, markup=False)

    def accepted(self, order: dict[str, Any], *, replayed: bool) -> None:
        if not self._follows:  # else the first event says it
            self._out.print(json.dumps(order | {"replayed": replayed}))

    def event(self, event: dict[str, Any]) -> None:
        self._out.print(json.dumps(event))

    def left(self, order: dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        pass


class Lines:
    """One line a step; on a terminal, one more that the best price of the moment rewrites."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(highlight=False, soft_wrap=True, stderr=True)
        self._live: Live | None = None

    def accepted(self, order: dict[str, Any], *, replayed: bool) -> None:
        note = "  placed before, nothing done now" if replayed else ""
        self._out.print(Text(f"order {order['id']}", "bold"), Text(note, "dim"), sep="")

    def event(self, event: dict[str, Any]) -> None:
        if event["isLive"] and self._out.is_terminal:
            if self._live is None:
                self._live = Live(console=self._out, auto_refresh=False, transient=True)
                self._live.start()
            self._live.update(event_line(event), refresh=True)
            return
        self.close()
        self._out.print(event_line(event))

    def left(self, order: dict[str, Any]) -> None:
        self.close()
        self._err.print(f"The order goes on. To end it: order-engine cancel {order['id']}")

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def place(
    document: GraphQLRequest, asked: dict[str, Any], url: str, *, as_json: bool, follows: bool
) -> int:
    """Return the exit status: 0 confirmed, or accepted and not followed; 1 ended otherwise."""
    given = {name: value for name, value in asked.items() if value is not None}
    printer = JsonLines(follows=follows) if as_json else Lines()
    work = _place_and_follow(document, given, url, printer, follows=follows)
    return run(work, as_json=as_json, when_interrupted=INTERRUPTED)


async def cancel_order(order_id: str, url: str, *, as_json: bool) -> int:
    """Return the exit status 0; what cannot be canceled is Refused."""
    order = (await change(url, _CANCEL, orderId=order_id))["order"]
    out = Console(highlight=False, soft_wrap=True, markup=False)
    out.print(json.dumps(order) if as_json else f"order {order['id']} is {order['status']}")
    return 0


async def _place_and_follow(
    document: GraphQLRequest, given: dict[str, Any], url: str, printer: Printer, *, follows: bool
) -> int:
    payload = await change(url, document, input=given)
    order = payload["order"]
    printer.accepted(order, replayed=payload["replayed"])
    if not follows:
        return 0
    try:
        return 0 if await _last_status(order["id"], url, printer) == "CONFIRMED" else NOT_CONFIRMED
    except asyncio.CancelledError:
        printer.left(order)
        raise
    finally:
        printer.close()


async def _last_status(order_id: str, url: str, printer: Printer) -> str:
    """Show the order's events to its last, resuming where a connection broke off."""
    seen = 0
    events = follow(url, _FOLLOW, lambda: {"orderId": order_id, "after": seen})
    async with aclosing(events):
        async for result in events:
            event = result["orderStatus"]
            seen = event["sequence"]
            printer.event(event)
            if event["status"] in ENDS:
                return str(event["status"])
    raise AssertionError("a stream ends with its order")
