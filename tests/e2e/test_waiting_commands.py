"""The commands of the README: orders that wait, are canceled, listed and followed."""

import json
import re
import signal
import threading
from decimal import Decimal

from tests.e2e.commands import near_genesis, started
from tests.e2e.stack import DEADLINE_SECONDS, Stack, events_of, wait_until
from tests.e2e.tables import fetch_some

LIFE = ["PENDING", "ROUTING", "BUILDING", "SUBMITTED", "CONFIRMED"]


def test_a_limit_order_that_the_market_meets_is_confirmed(stack: Stack) -> None:
    done = stack.cli("limit", "SOL", "USDC", "2", "--at", "100", "--url", stack.url)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[1:]
    statuses = [line.split()[1] for line in lines]
    assert [*dict.fromkeys(statuses)] == ["PENDING", "WAITING_PRICE", *LIFE[1:]]
    (executed,) = re.findall(r"  executed ([\d.]+) USDC/SOL  ", lines[-1])
    assert near_genesis(Decimal(executed))


def test_a_limit_order_far_away_shows_the_best_price_until_it_is_canceled(stack: Stack) -> None:
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


def test_what_was_executed_cannot_be_canceled(stack: Stack) -> None:
    id = stack.place()
    stack.wait_for(id, "CONFIRMED")

    done = stack.cli("cancel", id, "--url", stack.url)

    assert (done.returncode, done.stdout) == (1, "")
    assert "ORDER_NOT_CANCELABLE" in done.stderr
    assert f"order {id} is CONFIRMED" in done.stderr


def test_a_token_launched_while_a_sniper_waits_is_bought(stack: Stack) -> None:
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


def test_orders_are_listed_by_status(stack: Stack) -> None:
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


def test_an_unknown_status_is_refused_with_those_there_are(stack: Stack) -> None:
    done = stack.cli("orders", "--status", "lost", "--url", stack.url)

    assert (done.returncode, done.stdout) == (2, "")
    assert "waiting-price" in done.stderr


def test_orders_placed_meanwhile_are_followed_through_the_loss_of_the_api(stack: Stack) -> None:
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


def life_of(id: str, events: list[dict[str, object]]) -> list[object]:
    return [event["status"] for event in events if event["orderId"] == id]


# The slot of a launch is in no answer of the API.
LAUNCH = "SELECT devnet.slot FROM devnet, pools WHERE pools.id = 'raydium:SNIPED-SOL'"
