"""A thousand orders rest while every process is killed: each still ends once, as it should."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from redis import Redis

from tests.e2e.stack import Stack, wait_until

TRIGGERED, CANCELED, EXPIRED = 400, 300, 300
LIFE = timedelta(seconds=30)
AT_ONCE = 25

# What became of each kind, and how many swaps of each order the ledger knows as landed.
_ENDS = """
SELECT split_part(o.client_order_id, '-', 1) AS kind, o.status, landed.n, count(*) AS orders
FROM orders o CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM ledger_transactions t
    WHERE t.memo = o.id::text AND t.outcome = 'LANDED') landed
WHERE o.type = 'LIMIT' GROUP BY 1, 2, 3
"""
_GAPS = """
SELECT o.id FROM orders o JOIN order_events e ON e.order_id = o.id
GROUP BY o.id HAVING count(*) <> o.sequence OR max(e.sequence) <> o.sequence
"""


@pytest.mark.timeout(300)
def test_a_thousand_resting_orders_survive_the_death_of_every_process() -> None:
    with Stack(ORDER_ENGINE_MARKET_MOVES="false") as stack:
        expires_at = (datetime.now(UTC) + LIFE).isoformat()
        rest(stack, "trigger", TRIGGERED, "150.5")
        rest(stack, "expire", EXPIRED, "300", expires_at)
        cancels = rest(stack, "cancel", CANCELED, "300")
        wait_until(lambda: ends(stack).keys() <= {"WAITING_PRICE", "EXPIRED"})

        with Redis(unix_socket_path=str(stack.data_dir / "redis.sock")) as redis:
            redis.flushall()
        for name in ("worker", "clock", "redis", "postgres", "api"):
            stack.child(name).send_signal(signal.SIGKILL)
        wait_until(lambda: all(map(stack.find, ("worker", "clock", "redis", "postgres", "api"))))
        wait_until(stack.is_ready)
        stack.place(tokenIn="USDC", tokenOut="SOL", amount="400000", slippageBps=5000)
        cancel(stack, cancels)
        wait_until(lambda: ends(stack).keys() <= {"CONFIRMED", "CANCELED", "EXPIRED"}, 110)

        assert found(stack, _ENDS) == {
            ("trigger", "CONFIRMED", 1, TRIGGERED),
            ("cancel", "CANCELED", 0, CANCELED),
            ("expire", "EXPIRED", 0, EXPIRED),
        }
        assert found(stack, _GAPS) == set()


def rest(
    stack: Stack, kind: str, count: int, limit_price: str, expires_at: str | None = None
) -> list[str]:
    """Place limit orders of one kind and return their ids."""
    life = f', expiresAt: "{expires_at}"' if expires_at else ""
    return [
        answer["order"]["id"]
        for answer in mutate(
            stack,
            [
                f'placeLimitOrder(input: {{clientOrderId: "{kind}-{n}", tokenIn: "SOL", '
                f'tokenOut: "USDC", amount: "0.01", limitPrice: "{limit_price}"{life}}})'
                for n in range(count)
            ],
        )
    ]


def cancel(stack: Stack, ids: Iterable[str]) -> None:
    mutate(stack, [f'cancelOrder(orderId: "{id}")' for id in ids])


def mutate(stack: Stack, calls: Sequence[str]) -> list[dict[str, Any]]:
    """Make the calls, many in one request; none may be refused."""
    answers: list[dict[str, Any]] = []
    for start in range(0, len(calls), AT_ONCE):
        fields = "\n".join(
            f"m{n}: {call} {{ order {{ id }} userErrors {{ code }} }}"
            for n, call in enumerate(calls[start : start + AT_ONCE])
        )
        answers += stack.ask("mutation {" + fields + "}").values()
    assert [answer["userErrors"] for answer in answers] == [[]] * len(calls)
    return answers


def ends(stack: Stack) -> Counter[str]:
    """How many limit orders are in each status."""
    counted: Counter[str] = Counter()
    for _, status, _, orders in found(stack, _ENDS):
        counted[status] += orders
    return counted


def found(stack: Stack, query: str) -> set[tuple[Any, ...]]:
    async def fetch() -> set[tuple[Any, ...]]:
        connection = await asyncpg.connect(
            user="postgres", host=str(stack.data_dir / "postgres"), database="order_engine"
        )
        try:
            return {tuple(row) for row in await connection.fetch(query)}
        finally:
            await connection.close()

    return asyncio.run(fetch())
