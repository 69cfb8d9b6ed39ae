"""The commands of the README: market orders followed to their end, quotes, clear refusals."""

import re
import subprocess
from decimal import Decimal

import pytest

from tests.e2e.commands import near_genesis
from tests.e2e.stack import COMMAND, Stack, environment, events_of, free_port

LIFE = ["PENDING", "ROUTING", "BUILDING", "SUBMITTED", "CONFIRMED"]


def test_an_order_from_the_command_line_is_followed_to_its_end(stack: Stack) -> None:
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


def test_two_failures_asked_for_are_tried_again_and_shown(stack: Stack) -> None:
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


def test_a_third_failure_asked_for_is_the_last(stack: Stack) -> None:
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


def test_json_lines_are_the_events(stack: Stack) -> None:
    done = stack.cli("order", "SOL", "USDC", "2", "--json", "--url", stack.url)

    events = events_of(done.stdout)
    assert [(e["sequence"], e["status"]) for e in events] == list(enumerate(LIFE, start=1))
    assert len({e["txSignature"] for e in events[2:]}) == 1


def test_a_refused_order_ends_with_one(stack: Stack) -> None:
    done = stack.cli("order", "SOL", "USDC", "1e5", "--url", stack.url)

    assert (done.returncode, done.stdout) == (1, "")
    assert "INVALID_AMOUNT" in done.stderr
    assert "input.amount" in done.stderr


def test_a_failed_order_ends_with_one(stack: Stack) -> None:
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


def test_a_server_out_of_reach_ends_with_two() -> None:
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
def test_every_command_explains_itself(command: str) -> None:
    done = subprocess.run(
        [COMMAND, *command.split(), "--help"], capture_output=True, text=True, check=True
    )

    assert "Usage:" in done.stdout


def test_a_quote_has_its_route_and_what_every_venue_answered(stack: Stack) -> None:
    done = stack.cli("quote", "SOL", "USDC", "1.5", "--json", "--url", stack.url)
    table = stack.cli("quote", "SOL", "USDC", "1.5", "--url", stack.url)

    (quote,) = events_of(done.stdout)
    assert near_genesis(Decimal(quote["price"]))
    assert sum(Decimal(leg["amountIn"]) for leg in quote["route"]) == Decimal("1.5")
    assert {answer["venue"]["id"] for answer in quote["compared"]} == {"meteora", "raydium"}
    assert table.returncode == 0, table.stderr
    assert re.search(r"^Route +Pool +In +Out +Fee +Share$", table.stdout, re.MULTILINE)
