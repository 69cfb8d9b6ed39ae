"""The whole stack with real processes: what dies is replaced, and no order is lost with it."""

import concurrent.futures
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.e2e.stack import Stack, wait_until
from tests.e2e.tables import wrong_in_ledger


def test_two_hundred_orders_at_once_are_each_confirmed_once(stack: Stack) -> None:
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        ids = list(pool.map(lambda _: stack.place(), range(200)))
        orders = list(pool.map(lambda id: stack.wait_for(id, "CONFIRMED", "FAILED"), ids))

    assert Counter(order["status"] for order in orders) == {"CONFIRMED": 200}
    assert wrong_in_ledger(stack) == []


def test_a_killed_worker_is_replaced_and_its_orders_are_carried_on(stack: Stack) -> None:
    ids = [stack.place() for _ in range(20)]
    wait_until(lambda: stack.order(ids[0])["status"] != "PENDING")
    stack.child("worker").send_signal(signal.SIGKILL)

    orders = [stack.wait_for(id, "CONFIRMED", "FAILED") for id in ids]

    assert Counter(order["status"] for order in orders) == {"CONFIRMED": 20}
    for order in orders:
        assert [e["sequence"] for e in order["events"]] == list(range(1, len(order["events"]) + 1))
    assert wrong_in_ledger(stack) == []


def test_an_emptied_redis_loses_no_order(stack: Stack) -> None:
    worker = stack.child("worker")
    worker.suspend()
    ids = [stack.place() for _ in range(10)]
    redis_flush(stack)
    worker.resume()

    orders = [stack.wait_for(id, "CONFIRMED", "FAILED") for id in ids]

    assert Counter(order["status"] for order in orders) == {"CONFIRMED": 10}
    assert wrong_in_ledger(stack) == []


@pytest.mark.parametrize("name", ["api", "clock", "redis", "postgres"])
def test_whatever_process_dies_is_started_again(stack: Stack, name: str) -> None:
    died = stack.child(name)
    died.send_signal(signal.SIGKILL)

    wait_until(lambda: (now := stack.find(name)) is not None and now.pid != died.pid)
    wait_until(stack.is_ready)

    assert stack.wait_for(stack.place(), "CONFIRMED", "FAILED")["status"] == "CONFIRMED"


@pytest.fixture(scope="module")
def stack_on_given_servers(module_database_url: str) -> Iterator[Stack]:
    given: dict[str, Any] = {
        "DATABASE_URL": module_database_url,
        "REDIS_URL": os.environ["REDIS_URL"],
    }
    with Stack(**given, ORDER_ENGINE_LOG_FORMAT="json", ORDER_ENGINE_LOG_LEVEL="DEBUG") as stack:
        yield stack


def test_with_servers_given_nothing_is_embedded(stack_on_given_servers: Stack) -> None:
    stack = stack_on_given_servers

    assert stack.wait_for(stack.place(), "CONFIRMED", "FAILED")["status"] == "CONFIRMED"
    commands = [" ".join(p.cmdline()) for p in stack.processes()]
    assert not [c for c in commands if "postgres" in c.split(" ")[0] or "redis-server" in c]


def test_every_line_about_an_order_says_which_order_request_and_attempt(
    stack_on_given_servers: Stack,
) -> None:
    stack = stack_on_given_servers
    id = stack.place()
    stack.wait_for(id, "CONFIRMED")

    lines = [json.loads(line) for line in stack.said().splitlines() if line.startswith("{")]
    mine = [line for line in lines if line.get("order_id") == id]

    assert [line["event"] for line in mine] == [
        "order.accepted",
        "order.routing",
        "order.submitted",
        "order.confirmed",
    ]
    assert [line["attempt"] for line in mine] == [0, 1, 1, 1]
    assert len({line["request_id"] for line in mine}) == 1
    assert [line["process"] for line in mine] == ["api", *["worker"] * 3]
    assert all(line["timestamp"].endswith("Z") and line["level"] == "debug" for line in mine)
    together = [line for line in lines if id in line.get("order_ids", ())]
    assert [line["event"] for line in together] == [
        "orders.accepted",
        "orders.routing",
        "orders.submitted",
        "orders.confirmed",
    ]


def redis_flush(stack: Stack) -> None:
    with Redis(unix_socket_path=str(stack.data_dir / "redis.sock")) as redis:
        redis.flushall()
