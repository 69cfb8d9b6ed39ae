"""An order's events as the commands ask for them, and as people read them."""

from typing import Any

from rich.text import Text

from cli.client.figures import percent_below, price_text

EVENT_FIELDS = """
  orderId sequence status previousStatus attempt occurredAt isLive
  venue { name }
  quotedPrice bestPrice executedPrice amountOut txSignature
  quotes { venue { name } price failure { code } }
  failure { code message retryClass }
"""
ENDS = frozenset({"CONFIRMED", "FAILED", "CANCELED", "EXPIRED"})
STATUS_STYLES = {
    "CONFIRMED": "bold green",
    "FAILED": "bold red",
    "CANCELED": "bold yellow",
    "EXPIRED": "bold yellow",
}


def event_line(event: dict[str, Any], *, with_order: bool = False) -> Text:
    """Return one step, or the best price of the moment, as a line."""
    order = event["order"]
    line = Text()
    line.append(event["occurredAt"][11:23] + "  ", "dim")
    if with_order:
        line.append(f"{event['orderId']}  {order['type']:<6}  ")
    width = 10 if order["type"] == "MARKET" and not with_order else 13
    style = STATUS_STYLES.get(event["status"], "cyan")
    line.append(f"{event['status']:<{width}}", "" if event["isLive"] else style)
    for detail in _details(event):
        line.append("  " + detail)
    if event["isLive"]:
        line.stylize("dim")
    return line


def _details(event: dict[str, Any]) -> list[str]:
    order = event["order"]
    pair = f"{order['tokenOut']['symbol']}/{order['tokenIn']['symbol']}"
    details = [f"attempt {event['attempt']}"] if event["attempt"] > 1 else []
    if event["status"] == "PENDING":
        details.append(f"{order['amountIn']} {order['tokenIn']['symbol']}")
    for quote in event["quotes"]:
        code = (quote["failure"] or {}).get("code", "")
        told = price_text(quote["price"]) if quote["price"] else code
        details.append(f"{quote['venue']['name']} {told}")
    if event["venue"]:
        details.append(f"via {event['venue']['name']}")
    if event["quotedPrice"] and event["status"] == "BUILDING":
        details.append(f"quoted {price_text(event['quotedPrice'])} {pair}")
    if event["bestPrice"]:
        details.append(f"best {price_text(event['bestPrice'])} {pair}{_distance(event)}")
    elif event["status"] == "WAITING_PRICE":
        details.append(f"for {order['limitPrice']} {pair}")
    if event["executedPrice"]:
        details.append(f"executed {price_text(event['executedPrice'])} {pair}")
    if event["amountOut"]:
        details.append(f"received {event['amountOut']} {order['tokenOut']['symbol']}")
    if event["failure"]:
        details.append(f"{event['failure']['code']}: {event['failure']['message']}")
    if event["txSignature"]:
        details.append(event["txSignature"])
    return details


def _distance(event: dict[str, Any]) -> str:
    limit = event["order"]["limitPrice"]
    if limit is None:
        return ""
    missing = percent_below(event["bestPrice"], limit)
    return f", {missing:.2f} % below {limit}" if missing > 0 else f", meets {limit}"
