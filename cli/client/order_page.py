"""A page of the order history that is kept up to date, and how it looks as a table."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gql import GraphQLRequest, gql
from gql.client import AsyncClientSession
from rich.table import Table
from rich.text import Text

from cli.client.connection import ask
from cli.client.event_text import STATUS_STYLES
from cli.client.figures import price_text

_ONE_LINE_WIDTH = 150
ORDER_FIELDS = """
  id clientOrderId type status tokenIn { symbol } tokenOut { symbol }
  amountIn amountOut limitPrice quotedPrice executedPrice venue { name }
  attempts failure { code } sequence expiresAt createdAt updatedAt
"""
_READ = gql(f"""
query Orders($filter: OrderFilter, $first: Int) {{
  orders(filter: $filter, first: $first) {{ nodes {{ {ORDER_FIELDS} }} pageInfo {{ hasNextPage }} }}
}}
""")


@dataclass
class OrderPage:
    """The newest orders that hold to a filter, as they stand now."""

    url: str
    others: dict[str, Any]
    """The filter without the status: what an order never stops holding to."""
    statuses: list[str]
    size: int
    _rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _has_more: bool = False

    @property
    def filter(self) -> dict[str, Any]:
        return self.others | ({"status": self.statuses} if self.statuses else {})

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self._rows.values())

    async def read(self, session: AsyncClientSession | None = None) -> None:
        """Read the page, through a session that is open already where one is given."""
        variables = {"filter": self.filter, "first": self.size}
        if session is None:
            answer = await ask(self.url, _READ, **variables)
        else:
            answer = await session.execute(GraphQLRequest(_READ, variable_values=variables))
        self._rows = {order["id"]: order for order in answer["orders"]["nodes"]}
        self._has_more = answer["orders"]["pageInfo"]["hasNextPage"]

    def take(self, order: dict[str, Any]) -> bool:
        """Take an order as it stands now; say whether its leaving makes room for an older one."""
        known = self._rows.get(order["id"])
        if known and known["sequence"] > order["sequence"]:
            return False
        if self.statuses and order["status"] not in self.statuses:
            return self._rows.pop(order["id"], None) is not None and self._has_more
        newest = sorted((self._rows | {order["id"]: order}).values(), key=_place, reverse=True)
        self._has_more |= len(newest) > self.size
        self._rows = {order["id"]: order for order in newest[: self.size]}
        return False

    def table(self, *, width: int) -> Table:
        """Return the orders as a table; where it would not fit, each takes two lines."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        if width < _ONE_LINE_WIDTH:
            table.add_column("Order", no_wrap=True)
            table.add_column("Pays\nGets", overflow="fold")
            table.add_column("Price\nNote", overflow="fold")
            for order in self._rows.values():
                table.add_row(*_in_two_lines(_cells(order)))
            return table
        table.add_column("Accepted (UTC)", no_wrap=True, style="dim")
        table.add_column("Order", no_wrap=True)
        for name in ("Type", "Status"):
            table.add_column(name, no_wrap=True)
        for name in ("Pays", "Gets", "Price"):
            table.add_column(name, justify="right")
        table.add_column("Note")
        for order in self._rows.values():
            table.add_row(*_cells(order))
        return table


def _place(order: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(order["createdAt"]), order["id"]


def _in_two_lines(cells: list[str | Text]) -> list[Text]:
    accepted, id, type_, status, pays, gets, price, note = cells
    return [
        Text.assemble(id, "\n", (f"{accepted} {type_} ", "dim"), status),
        Text.assemble(pays, "\n", gets),
        Text.assemble(price, "\n", (str(note), "dim")),
    ]


def _cells(order: dict[str, Any]) -> list[str | Text]:
    paid, bought = order["tokenIn"]["symbol"], order["tokenOut"]["symbol"]
    price = order["executedPrice"] or order["quotedPrice"]
    notes = [order["venue"]["name"]] if order["venue"] else []
    if order["limitPrice"]:
        notes.append(f"limit {order['limitPrice']}")
    if order["attempts"] > 1:
        notes.append(f"attempt {order['attempts']}")
    if order["failure"]:
        notes.append(order["failure"]["code"])
    return [
        order["createdAt"][5:19].replace("T", " "),
        order["id"],
        order["type"],
        Text(order["status"], STATUS_STYLES.get(order["status"], "cyan")),
        f"{order['amountIn']} {paid}",
        f"{order['amountOut']} {bought}" if order["amountOut"] else bought,
        price_text(price) if price else "",
        ", ".join(notes),
    ]
