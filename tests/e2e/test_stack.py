"""The whole stack, by the commands of the README and with real processes."""

import asyncio
import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import asyncpg
import pytest
from redis import Redis

from tests.e2e.stack import (
    COMMAND,
    DEADLINE_SECONDS,
    Stack,
    environment,
    events_of,
    free_port,
    new_data_dir,
    wait_until,
)

LIFE = ["PENDING", "ROUTING", "BUILDING", "SUBMITTED", "CONFIRMED"]


@pytest.fixture(scope="module")
def stack():
    with Stack(ORDER_ENGINE_BEST_PRICE_INTERVAL_MS="100") as stack:
        yield stack


def test_an_order_from_the_command_line_is_followed_to_its_end(stack):
    done = stack.cli("order", "SOL", "USDC", "1.5", "--url", stack.url)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[1:]
    assert [line.split()[1] for line in lines] == LIFE
    offers = re.findall(r"  (Meteora|Raydium) ([\d.]+)", lines[2])
    prices = [Decimal(price) for _, price in offers]
    assert {name for name, _ in offers} == {"Meteora", "Raydium"}
    assert prices == sorted(prices, reverse=True)
    assert all(near_genesis(price) for price in prices)
    (quoted,) = re.findall(r"  quoted ([\d.]+) USDC/SOL  ", lines[2])
    assert Decimal(quoted) >= prices[0]
    ((executed, received),) = re.findall(
        r"  executed ([\d.]+) USDC/SOL  received ([\d.]+) USDC  ", lines[4]
    )
    assert near_genesis(Decimal(executed))
    assert Decimal(executed) >= Decimal(quoted) * Decimal("0.995")
    # A price has six digits here, so that what it makes of an amount is as exact.
    assert abs(Decimal(received) / Decimal("1.5") - Decimal(executed)) <= Decimal("0.0005")


def test_two_failures_asked_for_are_tried_again_and_shown(stack):
    asked = ["order", "SOL", "USDC", "1", "--simulate", "quote-failures=2"]

    done = stack.cli(*asked, "--url", stack.url)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[1:]
    assert [line.split()[1] for line in lines] == ["PENDING", *["ROUTING"] * 2, *LIFE[1:]]
    assert [n for n, line in enumerate(lines) if "VENUE_UNAVAILABLE: " in line] == [2, 3]
    for attempt, line in enumerate(lines[2:4], start=2):
        assert f"  attempt {attempt}  " in line
        assert "Meteora VENUE_UNAVAILABLE" in line
        assert "Raydium VENUE_UNAVAILABLE" in line


def test_a_third_failure_asked_for_is_the_last(stack):
    asked = ["order", "SOL", "USDC", "1", "--simulate", "quote-failures=3", "--json"]

    done = stack.cli(*asked, "--url", stack.url)

    assert done.returncode == 1
    events = events_of(done.stdout)
    assert [(e["status"], e["attempt"]) for e in events] == [
        ("PENDING", 0),
        ("ROUTING", 1),
        ("ROUTING", 2),
        ("ROUTING", 3),
        ("FAILED", 3),
    ]
    assert [e["failure"] and e["failure"]["code"] for e in events] == [
        *[None] * 2,
        *["VENUE_UNAVAILABLE"] * 3,
    ]
    assert {e["txSignature"] for e in events} == {None}


def test_json_lines_are_the_events(stack):
    done = stack.cli("order", "SOL", "USDC", "2", "--json", "--url", stack.url)

    events = events_of(done.stdout)
    assert [(e["sequence"], e["status"]) for e in events] == list(enumerate(LIFE, start=1))
    assert len({e["txSignature"] for e in events[2:]}) == 1


def test_a_refused_order_ends_with_one(stack):
    done = stack.cli("order", "SOL", "USDC", "1e5", "--url", stack.url)

    assert (done.returncode, done.stdout) == (1, "")
    assert "INVALID_AMOUNT" in done.stderr
    assert "input.amount" in done.stderr


def test_a_failed_order_ends_with_one(stack):
    asked = ["order", "SOL", "USDC", "1", "--min-amount-out", "999999", "--json"]

    done = stack.cli(*asked, "--url", stack.url)

    assert done.returncode == 1
    events = events_of(done.stdout)
    assert [(e["status"], e["attempt"]) for e in events] == [
        ("PENDING", 0),
        ("ROUTING", 1),
        ("ROUTING", 2),
        ("ROUTING", 3),
        ("FAILED", 3),
    ]
    assert {e["failure"]["code"] for e in events if e["failure"]} == {"SLIPPAGE_EXCEEDED"}


def test_a_server_out_of_reach_ends_with_two():
    done = subprocess.run(
        [COMMAND, "order", "SOL", "USDC", "1", "--url", f"http://127.0.0.1:{free_port()}/graphql"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )

    assert done.returncode == 2
    assert "cannot reach" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        *("", "up", "api", "worker", "clock", "migrate", "venue-check", "export-schema"),
        *("order", "limit", "snipe", "cancel", "orders", "quote", "launch"),
    ],
)
def test_every_command_explains_itself(command):
    done = subprocess.run(
        [COMMAND, *command.split(), "--help"], capture_output=True, text=True, check=True
    )

    assert "Usage:" in done.stdout


def test_a_limit_order_that_the_market_meets_is_confirmed(stack):
    done = stack.cli("limit", "SOL", "USDC", "2", "--at", "100", "--url", stack.url)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[1:]
    statuses = [line.split()[1] for line in lines]
    assert [*dict.fromkeys(statuses)] == ["PENDING", "WAITING_PRICE", *LIFE[1:]]
    (executed,) = re.findall(r"  executed ([\d.]+) USDC/SOL  ", lines[-1])
    assert near_genesis(Decimal(executed))


def test_a_limit_order_far_away_shows_the_best_price_until_it_is_canceled(stack):
    asked = ["limit", "SOL", "USDC", "2", "--at", "300", "--expires-in", "1h", "--json"]
    with started(stack, *asked) as follower:
        first = [json.loads(follower.stdout.readline()) for _ in range(4)]
        canceled = stack.cli("cancel", first[0]["orderId"], "--url", stack.url)
        rest = events_of(follower.communicate(timeout=DEADLINE_SECONDS)[0])

    assert [(e["status"], e["isLive"]) for e in first] == [
        ("PENDING", False),
        ("WAITING_PRICE", False),
        *[("WAITING_PRICE", True)] * 2,
    ]
    assert all(near_genesis(Decimal(event["bestPrice"])) for event in first[2:])
    assert canceled.returncode == 0, canceled.stderr
    assert canceled.stdout == f"order {first[0]['orderId']} is CANCELED\n"
    assert [e["sequence"] for e in rest if not e["isLive"]] == [3]
    assert rest[-1]["status"] == "CANCELED"
    assert follower.returncode == 1


def test_what_was_executed_cannot_be_canceled(stack):
    id = stack.place()
    stack.wait_for(id, "CONFIRMED")

    done = stack.cli("cancel", id, "--url", stack.url)

    assert (done.returncode, done.stdout) == (1, "")
    assert "ORDER_NOT_CANCELABLE" in done.stderr
    assert f"order {id} is CONFIRMED" in done.stderr


def test_a_token_launched_while_a_sniper_waits_is_bought(stack):
    mint = "SnipedTokenMint1111111111111111111111111111"
    pool = ["SNIPED", "--mint", mint, "--reserve", "1000000", "--quote-reserve", "1000"]
    with started(stack, "snipe", "SOL", mint, "1", "--max-price", "0.002", "--json") as follower:
        waiting = [json.loads(follower.stdout.readline()) for _ in range(2)]
        with started(stack, "launch", *pool) as launch:
            ((launched_in,),) = fetch_some(stack, LAUNCH)
            said = launch.communicate(timeout=DEADLINE_SECONDS)
        rest = events_of(follower.communicate(timeout=DEADLINE_SECONDS)[0])

    assert [e["status"] for e in waiting] == ["PENDING", "WAITING_POOL"]
    assert launch.returncode == 0, said
    assert "pool raydium:SNIPED-SOL" in said[0]
    assert [e["status"] for e in rest] == LIFE[1:], rest
    assert follower.returncode == 0
    landed = stack.ask("query O($id: ID!) { order(id: $id) { slot } }", id=rest[0]["orderId"])
    took = landed["order"]["slot"] - launched_in
    assert 0 < took <= 100, f"{took} slots from the launch to the landing"


def test_orders_are_listed_by_status(stack):
    confirmed = stack.place()
    stack.wait_for(confirmed, "CONFIRMED")
    placed = stack.cli(
        *("limit", "SOL", "USDC", "1", "--at", "300", "--no-follow", "--json"), "--url", stack.url
    )
    (waiting,) = events_of(placed.stdout)
    stack.wait_for(waiting["id"], "WAITING_PRICE")

    done = stack.cli("orders", "--status", "waiting-price", "--json", "--url", stack.url)
    table = stack.cli("orders", "--limit", "2", "--url", stack.url)

    orders = events_of(done.stdout)
    assert orders[0]["id"] == waiting["id"]
    assert {order["status"] for order in orders} == {"WAITING_PRICE"}
    shown = [line.split() for line in table.stdout.splitlines()[1:]]
    assert [(row[2], row[4]) for row in shown] == [
        (waiting["id"], "WAITING_PRICE"),
        (confirmed, "CONFIRMED"),
    ]


def test_an_unknown_status_is_refused_with_those_there_are(stack):
    done = stack.cli("orders", "--status", "lost", "--url", stack.url)

    assert (done.returncode, done.stdout) == (2, "")
    assert "waiting-price" in done.stderr


def test_orders_placed_meanwhile_are_followed_through_the_loss_of_the_api(stack):
    with started(stack, "orders", "--follow", "--type", "market", "--json") as follower:
        seen: list[dict[str, object]] = []
        reader = threading.Thread(
            target=lambda: seen.extend(json.loads(line) for line in follower.stdout)
        )
        reader.start()
        wait_until(lambda: seen or stack.wait_for(stack.place(), "CONFIRMED") is None)
        meanwhile = stack.place()
        wait_until(lambda: life_of(meanwhile, seen) == LIFE)

        stack.child("api").kill()
        wait_until(stack.is_ready)
        after = stack.place()
        wait_until(lambda: life_of(after, seen) == LIFE)

        follower.send_signal(signal.SIGINT)
        assert follower.wait(DEADLINE_SECONDS) == 0, follower.stderr.read()
        reader.join()

    steps = [(event["orderId"], event["sequence"]) for event in seen]
    assert len(steps) == len(set(steps))


def test_a_quote_has_its_route_and_what_every_venue_answered(stack):
    done = stack.cli("quote", "SOL", "USDC", "1.5", "--json", "--url", stack.url)
    table = stack.cli("quote", "SOL", "USDC", "1.5", "--url", stack.url)

    (quote,) = events_of(done.stdout)
    assert near_genesis(Decimal(quote["price"]))
    assert sum(Decimal(leg["amountIn"]) for leg in quote["route"]) == Decimal("1.5")
    assert {answer["venue"]["id"] for answer in quote["compared"]} == {"meteora", "raydium"}
    assert table.returncode == 0, table.stderr
    assert re.search(r"^Route +Pool +In +Out +Fee +Share$", table.stdout, re.MULTILINE)


def test_two_hundred_orders_at_once_are_each_confirmed_once(stack):
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        ids = list(pool.map(lambda _: stack.place(), range(200)))
        orders = list(pool.map(lambda id: stack.wait_for(id, "CONFIRMED", "FAILED"), ids))

    assert Counter(order["status"] for order in orders) == {"CONFIRMED": 200}
    assert wrong_in_ledger(stack) == []


def test_a_killed_worker_is_replaced_and_its_orders_are_carried_on(stack):
    ids = [stack.place() for _ in range(20)]
    wait_until(lambda: stack.order(ids[0])["status"] != "PENDING")
    stack.child("worker").send_signal(signal.SIGKILL)

    orders = [stack.wait_for(id, "CONFIRMED", "FAILED") for id in ids]

    assert Counter(order["status"] for order in orders) == {"CONFIRMED": 20}
    for order in orders:
        assert [e["sequence"] for e in order["events"]] == list(range(1, len(order["events"]) + 1))
    assert wrong_in_ledger(stack) == []


def test_an_emptied_redis_loses_no_order(stack):
    worker = stack.child("worker")
    worker.suspend()
    ids = [stack.place() for _ in range(10)]
    redis_flush(stack)
    worker.resume()

    orders = [stack.wait_for(id, "CONFIRMED", "FAILED") for id in ids]

    assert Counter(order["status"] for order in orders) == {"CONFIRMED": 10}
    assert wrong_in_ledger(stack) == []


@pytest.mark.parametrize("name", ["api", "clock", "redis", "postgres"])
def test_whatever_process_dies_is_started_again(stack, name):
    died = stack.child(name)
    died.send_signal(signal.SIGKILL)

    wait_until(lambda: (now := stack.find(name)) is not None and now.pid != died.pid)
    wait_until(stack.is_ready)

    assert stack.wait_for(stack.place(), "CONFIRMED", "FAILED")["status"] == "CONFIRMED"


def test_stopping_leaves_no_process_and_keeps_the_data():
    data_dir = new_data_dir()
    with Stack(data_dir=data_dir) as first:
        id = first.place()
        first.wait_for(id, "CONFIRMED")
        processes = first.processes()

        seconds = first.stop(signal.SIGINT)

        assert seconds < 10
        assert first.process.returncode == 0
        assert [p for p in processes if p.is_running()] == []
        assert "Stopped. The data is kept." in first.said()
    with Stack(data_dir=data_dir) as second:
        assert second.order(id)["status"] == "CONFIRMED"
    shutil.rmtree(data_dir)


def test_a_killed_stack_leaves_nothing_that_keeps_the_next_from_starting():
    data_dir = new_data_dir()
    with Stack(data_dir=data_dir) as first:
        id = first.place()
        processes = first.processes()
        first.process.kill()
        first.process.wait()
        wait_until(lambda: not [p for p in processes if p.is_running()])
    with Stack(data_dir=data_dir) as second:
        assert second.wait_for(id, "CONFIRMED", "FAILED")["status"] == "CONFIRMED"
    shutil.rmtree(data_dir)


def test_a_second_stack_on_the_same_data_is_told_whose_it_is(stack):
    done = up("--data-dir", str(stack.data_dir), "--port", str(free_port()))

    assert done.returncode == 1
    assert f"in use by process {stack.process.pid}" in done.stderr


def test_a_busy_port_is_a_clear_message(stack):
    data_dir = new_data_dir()

    done = up("--data-dir", str(data_dir), "--port", str(stack.port))

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{stack.port}" in done.stderr
    assert "--port" in done.stderr
    shutil.rmtree(data_dir)


def test_a_wrong_setting_is_refused_by_name():
    done = up(ORDER_ENGINE_SLOT_MS="never")

    assert done.returncode == 2
    assert "ORDER_ENGINE_SLOT_MS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_keeps_dying_stops_the_stack_with_its_last_words(database_url):
    data_dir = new_data_dir()

    done = up(
        *("--data-dir", str(data_dir), "--port", str(free_port())),
        DATABASE_URL=database_url,
        REDIS_URL="redis://127.0.0.1:not-a-port/0",
    )

    assert done.returncode == 1
    assert "keeps dying" in done.stderr
    assert "It last said:" in done.stderr
    shutil.rmtree(data_dir)


@pytest.fixture(scope="module")
def stack_on_given_servers(module_database_url):
    given = {"DATABASE_URL": module_database_url, "REDIS_URL": os.environ["REDIS_URL"]}
    with Stack(**given, ORDER_ENGINE_LOG_FORMAT="json", ORDER_ENGINE_LOG_LEVEL="DEBUG") as stack:
        yield stack


def test_with_servers_given_nothing_is_embedded(stack_on_given_servers):
    stack = stack_on_given_servers

    assert stack.wait_for(stack.place(), "CONFIRMED", "FAILED")["status"] == "CONFIRMED"
    commands = [" ".join(p.cmdline()) for p in stack.processes()]
    assert not [c for c in commands if "postgres" in c.split(" ")[0] or "redis-server" in c]


def test_every_line_about_an_order_says_which_order_request_and_attempt(stack_on_given_servers):
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


def near_genesis(sol_in_usdc: Decimal) -> bool:
    """Whether it is a price that the seeded market reaches from the 150 it starts at."""
    return abs(sol_in_usdc - 150) < Decimal("4.5")


def up(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "up", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        env=environment(**settings),
    )


def redis_flush(stack: Stack) -> None:
    with Redis(unix_socket_path=str(stack.data_dir / "redis.sock")) as redis:
        redis.flushall()


@contextmanager
def started(stack: Stack, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; it is killed if it outlives it."""
    with subprocess.Popen(
        [COMMAND, *arguments, "--url", stack.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def life_of(id: str, events: list[dict[str, object]]) -> list[object]:
    return [event["status"] for event in events if event["orderId"] == id]


def wrong_in_ledger(stack: Stack) -> list[object]:
    """G4 and G5 by SQL, through none of our code: gaps, and swaps other than one per order."""

    async def look(connection: asyncpg.Connection) -> list[object]:
        return list(await connection.fetch(WRONG))

    return with_database(stack, look)


def fetch_some(stack: Stack, query: str) -> list[object]:
    """Ask until there are rows; return them."""

    async def look(connection: asyncpg.Connection) -> list[object]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (rows := await connection.fetch(query)):
                await asyncio.sleep(0.005)
        return list(rows)

    return with_database(stack, look)


def with_database(
    stack: Stack, look: Callable[[asyncpg.Connection], Awaitable[list[object]]]
) -> list[object]:
    async def connected() -> list[object]:
        connection = await asyncpg.connect(
            host=str(stack.data_dir / "postgres"), user="postgres", database="order_engine"
        )
        try:
            return await look(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


# The slot of a launch is in no answer of the API.
LAUNCH = "SELECT devnet.slot FROM devnet, pools WHERE pools.id = 'raydium:SNIPED-SOL'"
WRONG = """
SELECT o.id FROM orders o
LEFT JOIN (SELECT order_id, count(*) n, max(sequence) last FROM order_events GROUP BY 1) e
    ON e.order_id = o.id
LEFT JOIN (SELECT memo, count(*) n, sum(amount_out) amount FROM ledger_transactions
    WHERE outcome = 'LANDED' GROUP BY 1) l ON l.memo = o.id::text
WHERE (o.sequence, o.sequence) IS DISTINCT FROM (e.n::int, e.last)
    OR coalesce(l.n, 0) <> CASE WHEN o.status = 'CONFIRMED' THEN 1 ELSE 0 END
    OR l.amount IS DISTINCT FROM o.amount_out
"""
