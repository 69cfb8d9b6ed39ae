"""Place an order over HTTP and follow it over graphql-transport-ws, as any client would."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

from gql import Client, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from httpx import HTTPError
from rich.console import Console
from rich.text import Text
from websockets.exceptions import WebSocketException

CONFIRMED, FAILED, UNREACHABLE = 0, 1, 2
_RECONNECTS = 20
_RECONNECT_SECONDS = 0.5

_PLACE = gql("""
mutation Place($input: ExecuteMarketOrderInput!) {
  executeMarketOrder(input: $input) {
    replayed
    order { id clientOrderId }
    userErrors { code message field }
  }
}
""")

_FOLLOW = gql("""
subscription Follow($orderId: ID!, $after: Int) {
  orderStatus(orderId: $orderId, after: $after) {
    orderId sequence status previousStatus attempt occurredAt
    venue { name }
    quotedPrice executedPrice amountOut txSignature
    quotes { venue { name } price failure { code } }
    failure { code message retryClass }
    order { isTerminal tokenIn { symbol } tokenOut { symbol } amountIn }
  }
}
""")

_STYLES = {"CONFIRMED": "bold green", "FAILED": "bold red"}


class Printer(Protocol):
    """Shows an order's life to a person or a program."""

    def refused(self, errors: list[dict[str, Any]]) -> None: ...
    def accepted(self, order: dict[str, Any]) -> None: ...
    def event(self, event: dict[str, Any]) -> None: ...
    def unreachable(self, url: str, reason: str) -> None: ...


class JsonLines:
    """One JSON object a line."""

    def refused(self, errors: list[dict[str, Any]]) -> None:
        self._print({"userErrors": errors})

    def accepted(self, order: dict[str, Any]) -> None:
        pass  # the first event says it

    def event(self, event: dict[str, Any]) -> None:
        self._print(event)

    def unreachable(self, url: str, reason: str) -> None:
        self._print({"unreachable": url, "reason": reason})

    def _print(self, value: dict[str, Any]) -> None:
        Console(highlight=False, soft_wrap=True, markup=False).print(json.dumps(value))


class Lines:
    """One line a step."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(highlight=False, soft_wrap=True, stderr=True)

    def refused(self, errors: list[dict[str, Any]]) -> None:
        for error in errors:
            where = ".".join(error["field"] or [])
            self._err.print(Text(f"refused: {error['code']} {error['message']}", "red"), where)

    def accepted(self, order: dict[str, Any]) -> None:
        self._out.print(Text(f"order {order['id']}", "bold"))

    def event(self, event: dict[str, Any]) -> None:
        line = Text()
        line.append(event["occurredAt"][11:23] + "  ", "dim")
        line.append(f"{event['status']:<10}", _STYLES.get(event["status"], "cyan"))
        line.append("  " + "  ".join(_details(event)))
        self._out.print(line)

    def unreachable(self, url: str, reason: str) -> None:
        self._err.print(Text(f"cannot reach {url}: {reason}", "red"))


async def place_and_follow(asked: dict[str, Any], url: str, printer: Printer) -> int:
    """Return the exit status: 0 confirmed, 1 failed or refused, 2 out of reach."""
    try:
        payload = await _place(asked, url)
    except TransportQueryError as error:
        printer.refused([_as_refusal(problem) for problem in error.errors or []])
        return FAILED
    except (TransportError, HTTPError, OSError) as error:
        printer.unreachable(url, _reason(error))
        return UNREACHABLE
    if payload["userErrors"]:
        printer.refused(payload["userErrors"])
        return FAILED
    printer.accepted(payload["order"])
    status = ""
    try:
        async for event in _events(payload["order"]["id"], url):
            printer.event(event)
            status = event["status"]
    except (TransportError, WebSocketException, OSError) as error:
        printer.unreachable(url, _reason(error))
        return UNREACHABLE
    return CONFIRMED if status == "CONFIRMED" else FAILED


async def _place(asked: dict[str, Any], url: str) -> dict[str, Any]:
    given = {name: value for name, value in asked.items() if value is not None}
    async with Client(transport=HTTPXAsyncTransport(url, timeout=30)) as session:
        document = _PLACE
        document.variable_values = {"input": given}
        result = await session.execute(document)
    return dict(result["executeMarketOrder"])


async def _events(order_id: str, url: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the order's events to its last, resuming where a connection broke off."""
    address = "ws" + url.removeprefix("http")
    seen, ended, broken = 0, False, 0
    while not ended:
        try:
            transport = WebsocketsTransport(
                address, subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
            )
            async with Client(transport=transport) as session:
                document = _FOLLOW
                document.variable_values = {"orderId": order_id, "after": seen}
                async for result in session.subscribe(document):
                    event = result["orderStatus"]
                    seen, broken = event["sequence"], 0
                    ended = event["order"]["isTerminal"] and event["status"] in _ENDS
                    yield event
        except (TransportError, WebSocketException, OSError):
            broken += 1
            if broken > _RECONNECTS:
                raise
            await asyncio.sleep(_RECONNECT_SECONDS)


_ENDS = frozenset({"CONFIRMED", "FAILED", "CANCELED", "EXPIRED"})


def _details(event: dict[str, Any]) -> list[str]:
    order = event["order"]
    pair = f"{order['tokenOut']['symbol']}/{order['tokenIn']['symbol']}"
    details = [f"attempt {event['attempt']}"] if event["attempt"] > 1 else []
    if event["status"] == "PENDING":
        details.append(f"{order['amountIn']} {order['tokenIn']['symbol']}")
    for quote in event["quotes"]:
        told = quote["price"] or (quote["failure"] or {}).get("code", "")
        details.append(f"{quote['venue']['name']} {told}")
    if event["venue"]:
        details.append(f"via {event['venue']['name']}")
    if event["quotedPrice"] and event["status"] == "BUILDING":
        details.append(f"quoted {event['quotedPrice']} {pair}")
    if event["executedPrice"]:
        details.append(f"executed {event['executedPrice']} {pair}")
    if event["amountOut"]:
        details.append(f"received {event['amountOut']} {order['tokenOut']['symbol']}")
    if event["failure"]:
        details.append(f"{event['failure']['code']}: {event['failure']['message']}")
    if event["txSignature"]:
        details.append(event["txSignature"])
    return details


def _as_refusal(problem: dict[str, Any]) -> dict[str, Any]:
    return {"code": "ERROR", "message": problem.get("message", ""), "field": problem.get("path")}


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
