"""Pages of the history over GraphQL: a Relay connection, both ways, under every filter."""

import base64
from itertools import product
from typing import Any

import pytest

from api.graphql.context import ACCOUNT
from api.orders.cursor import Cursors
from engine.orders.status import OrderStatus
from engine.tokens import BONK
from models.orders.step import OrderFilter
from tests.api.asking import Asking
from tests.factories import accepted, advanced

PAGE = """
query Page($filter: OrderFilter, $first: Int, $after: String, $last: Int, $before: String) {
  orders(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


@pytest.fixture
async def ten(ask: Asking) -> list[str]:
    """The ids of ten orders, newest first."""
    orders = [await accepted(ask.services.orders) for _ in range(10)]
    return [str(order.id) for order in orders][::-1]


@pytest.fixture
async def five(ask: Asking) -> list[str]:
    """The ids of five orders, newest first."""
    orders = [await accepted(ask.services.orders) for _ in range(5)]
    return [str(order.id) for order in orders][::-1]


async def page(ask: Asking, **given: Any) -> tuple[list[str], dict[str, Any]]:
    connection = (await ask.data(PAGE, **given))["orders"]
    assert [edge["node"] for edge in connection["edges"]] == connection["nodes"]
    return [node["id"] for node in connection["nodes"]], connection["pageInfo"]


async def test_the_newest_come_first_and_twenty_by_default(ask: Asking, ten: list[str]) -> None:
    more = [str((await accepted(ask.services.orders)).id) for _ in range(15)]

    answer = await ask.data("{ orders { nodes { id } pageInfo { hasNextPage } } }")

    ids = [node["id"] for node in answer["orders"]["nodes"]]
    assert ids == (more[::-1] + ten)[:20]
    assert answer["orders"]["pageInfo"]["hasNextPage"] is True


async def test_forward_to_the_end_and_back_to_the_beginning(ask: Asking, ten: list[str]) -> None:
    forward, after = [], None
    while True:
        ids, info = await page(ask, first=3, after=after)
        forward += [ids]
        assert info["hasPreviousPage"] is (after is not None)
        after = info["endCursor"]
        if not info["hasNextPage"]:
            break
    backward, before = [], info["startCursor"]
    while True:
        ids, info = await page(ask, last=3, before=before)
        backward += [ids]
        assert info["hasNextPage"] is True
        before = info["startCursor"]
        if not info["hasPreviousPage"]:
            break

    assert forward == [ten[0:3], ten[3:6], ten[6:9], ten[9:]]
    assert backward == [ten[6:9], ten[3:6], ten[0:3]]


async def test_the_last_without_a_cursor_are_the_oldest_newest_first(
    ask: Asking, ten: list[str]
) -> None:
    ids, info = await page(ask, last=4)

    assert ids == ten[6:]
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (True, False)


async def test_a_page_between_two_cursors(ask: Asking, ten: list[str]) -> None:
    everything = (await ask.data(PAGE, first=10))["orders"]["edges"]

    ids, _ = await page(
        ask, first=100, after=everything[2]["cursor"], before=everything[6]["cursor"]
    )

    assert ids == ten[3:6]


@pytest.mark.parametrize("direction", ["first", "last"])
async def test_more_lies_beyond_a_page_exactly_where_it_does(
    ask: Asking, five: list[str], direction: str
) -> None:
    edges = (await ask.data(PAGE, first=5))["orders"]["edges"]

    for after, before, size in product([None, 0, 1, 4], [None, 0, 1, 4], range(1, 6)):
        bounds = {"after": after, "before": before}
        cursors = {name: edges[n]["cursor"] for name, n in bounds.items() if n is not None}
        between = list(range(5))[0 if after is None else after + 1 : before]
        shown = between[:size] if direction == "first" else between[-size:]

        ids, info = await page(ask, **{direction: size}, **cursors)

        assert ids == [five[n] for n in shown]
        if shown:
            more = (info["hasPreviousPage"], info["hasNextPage"])
            assert more == (shown[0] > 0, shown[-1] < 4), (after, before, size)


async def test_more_lies_beyond_an_empty_page(ask: Asking, five: list[str]) -> None:
    edges = (await ask.data(PAGE, first=5))["orders"]["edges"]

    _, above = await page(ask, first=3, before=edges[0]["cursor"])
    _, below = await page(ask, first=3, after=edges[4]["cursor"])

    assert (above["hasPreviousPage"], above["hasNextPage"]) == (False, True)
    assert (below["hasPreviousPage"], below["hasNextPage"]) == (True, False)


async def test_orders_placed_meanwhile_do_not_shift_the_next_page(
    ask: Asking, ten: list[str]
) -> None:
    _, info = await page(ask, first=5)
    await accepted(ask.services.orders)

    ids, _ = await page(ask, first=5, after=info["endCursor"])

    assert ids == ten[5:]


async def test_an_empty_history_is_an_empty_page(ask: Asking) -> None:
    ids, info = await page(ask)

    assert ids == []
    assert info == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_filters(ask: Asking, ten: list[str]) -> None:
    store = ask.services.orders
    failed = await advanced(store, await accepted(store), OrderStatus.FAILED)
    bonk = await accepted(store, token_in=BONK.mint)
    middle = (await store.get(bonk.id)).created_at.isoformat()

    async def found(**filter: Any) -> set[str]:
        return {*(await page(ask, filter=filter, first=100))[0]}

    everything = {*ten, str(failed.id), str(bonk.id)}
    assert await found(status=["FAILED"]) == {str(failed.id)}
    assert await found(isTerminal=True) == {str(failed.id)}
    assert await found(isTerminal=False) == everything - {str(failed.id)}
    assert await found(isTerminal=False, status=["FAILED", "PENDING"]) == everything - {
        str(failed.id)
    }
    assert await found(isTerminal=True, status=["PENDING"]) == set()
    assert await found(status=[]) == set()
    assert await found(type=["LIMIT"]) == set()
    assert await found(tokenIn="BONK") == {str(bonk.id)}
    assert await found(tokenOut="USDC", status=["PENDING"]) == everything - {str(failed.id)}
    assert await found(venue="raydium") == set()
    assert await found(createdBefore=middle) == everything - {str(bonk.id)}
    assert await found(createdAfter=middle) == set()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first": -1}, "`first` is 0 to 100"),
        ({"first": 101}, "`first` is 0 to 100"),
        ({"last": 101}, "`last` is 0 to 100"),
        ({"first": 5, "last": 5}, "not both"),
        ({"first": 20, "last": 5}, "not both"),
        ({"first": 0, "last": 0}, "not both"),
        ({"after": ""}, "`after` is not a cursor of this list"),
        ({"after": "nonsense"}, "`after` is not a cursor of this list"),
        ({"before": "é"}, "`before` is not a cursor of this list"),
        ({"after": base64.urlsafe_b64encode(b"x" * 34).decode()}, "`after` is not a cursor"),
        ({"filter": {"tokenIn": "DOGE"}}, "No token has the symbol"),
        ({"filter": {"createdAfter": "2026-01-01"}}, "RFC 3339"),
    ],
)
async def test_a_page_that_cannot_be_is_a_clear_error(
    ask: Asking, given: dict[str, Any], said: str
) -> None:
    answer = await ask(PAGE, **given)

    assert said in answer["errors"][0]["message"]


async def test_a_cursor_of_another_filter_is_refused(ask: Asking, ten: list[str]) -> None:
    _, info = await page(ask, first=1, filter={"isTerminal": False})

    answer = await ask(PAGE, after=info["endCursor"])

    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "INVALID_ARGUMENT"}
    assert "cursors belong to the filter" in error["message"]


@pytest.mark.parametrize(
    "place",
    [b"\xff" * 24, (2**58).to_bytes(8) + b"x" * 16, b"", b"x" * 23, b"x" * 25, b"\x00" * 8],
    ids=["the end of time", "the year 11000", "nothing", "short", "long", "no id"],
)
@pytest.mark.parametrize("argument", ["after", "before"])
async def test_a_cursor_made_up_that_names_no_place_is_refused(
    ask: Asking, place: bytes, argument: str
) -> None:
    mark = Cursors(ACCOUNT, OrderFilter())._mark(place)
    cursor = base64.urlsafe_b64encode(place + mark).rstrip(b"=").decode()

    (error,) = (await ask(PAGE, **{argument: cursor}))["errors"]

    assert error["message"].startswith(f"`{argument}` is not a cursor of this list")
    assert error["extensions"] == {"code": "INVALID_ARGUMENT"}


async def test_a_cursor_made_up_that_names_a_place_is_a_place(ask: Asking, ten: list[str]) -> None:
    place = (2**57).to_bytes(8) + b"x" * 16
    cursor = base64.urlsafe_b64encode(place + Cursors(ACCOUNT, OrderFilter())._mark(place))

    answer = await ask(PAGE, after=cursor.rstrip(b"=").decode())

    assert [node["id"] for node in answer["data"]["orders"]["nodes"]] == ten


async def test_a_cursor_with_one_bit_changed_is_refused(ask: Asking, ten: list[str]) -> None:
    _, info = await page(ask, first=1)
    raw = bytearray(base64.urlsafe_b64decode(info["endCursor"] + "=="))

    for position in range(len(raw)):
        forged = bytearray(raw)
        forged[position] ^= 1
        cursor = base64.urlsafe_b64encode(bytes(forged)).decode()
        answer = await ask(PAGE, after=cursor)
        assert "is not a cursor" in answer["errors"][0]["message"]
