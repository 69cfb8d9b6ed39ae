"""What operations cost, and that those too costly are refused before anything is read."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, get_introspection_query, parse
from sqlalchemy import event
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from api.graphql.cost import READ, cost_of
from api.roots.schema import schema
from engine.orders.status import OrderStatus as S
from tests.api.asking import Asking, asking
from tests.api.live_server import LiveServer
from tests.factories import accepted, advanced
from wiring.settings import Settings

NESTED = "{orders(first:100){nodes{events{order{events{order{events{sequence}}}}}}}}"


def cost(text: str, **variables: object) -> int:
    definitions = parse(text).definitions
    (operation,) = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    return cost_of(operation, fragments, schema._schema, variables)


ORDERS = 1 + READ + 1  # the answer, what a read costs, the page


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("{__typename}", 1),
        ("{order(id:1){id}}", 1 + READ + 1),
        ("{orders{nodes{id}}}", ORDERS + 20),
        ("{orders(first:3){nodes{id}}}", ORDERS + 3),
        ("{orders(last:3){nodes{id}}}", ORDERS + 3),
        ("{orders(first:null,last:3){nodes{id}}}", ORDERS + 3),
        ("{orders(first:3,last:4){nodes{id}}}", ORDERS + 4),
        ("{orders(first:-3){nodes{id}}}", ORDERS),
        ("{orders(first:3){nodes{id} edges{node{id}} pageInfo{endCursor}}}", ORDERS + 3 + 6 + 1),
        ("{orders(first:3){nodes{events{quotes{price}}}}}", ORDERS + 3 * (1 + 8 * (1 + 2))),
        ("{orders(first:3){nodes{id tokenIn{mint}}}}", ORDERS + 3 * 2),
        ("{a:orders(first:3){nodes{id}} b:orders(first:4){nodes{id}}}", 2 * ORDERS - 1 + 7),
        ("{orders(first:3){nodes{id}} orders(first:3){nodes{id}}}", ORDERS + 3),
        ('{candles(tokenIn:"SOL",tokenOut:"USDC"){open}}', 1 + READ + 120),
        ('{candles(tokenIn:"SOL",tokenOut:"USDC",last:7){open}}', 1 + READ + 7),
        ('{quote(input:{tokenIn:"SOL",tokenOut:"USDC",amount:"1"}){quote{price}}}', 3 + 50),
        ('mutation{cancelOrder(orderId:"x"){order{id} userErrors{code}}}', 1 + READ + 1 + 1 + 2),
        ("{orders(first:3){nodes{venue{healthy}} totalCount}}", ORDERS + 3 * (1 + 6) + 50),
        ("subscription{orderEvents{order{id}}}", 1 + READ + 1 + 1),
        ("{orders(first:3){nodes{...O}}} fragment O on Order{events{...E}} "
         "fragment E on OrderEvent{venue{id}}", ORDERS + 3 * (1 + 8 * 2)),
    ],
)  # fmt: skip
def test_an_operation_costs_its_rows(text: str, rows: int) -> None:
    assert cost(text) == rows


@pytest.mark.parametrize(("size", "rows"), [(7, 7), (7.0, 7), (None, 20), (2**31, 20), ("x", 20)])
def test_the_size_of_a_page_may_be_a_variable(size: object, rows: int) -> None:
    assert cost("query($n:Int){orders(first:$n){nodes{id}}}", n=size) == ORDERS + rows


def test_names_and_values_cost_a_row_for_every_256_bytes() -> None:
    eight = " ".join(f"a{n}:id" for n in range(8))  # of 2 letters and a value of 32 bytes each
    long = "a" * (256 - 32)

    assert cost(f"{{orders(first:10){{nodes{{{eight}}}}}}}") == ORDERS + 10 * 2
    assert cost(f"{{orders(first:10){{nodes{{{long}:id}}}}}}") == ORDERS + 10 * 2


def test_fragments_folded_a_hundred_billion_times_are_counted_at_once() -> None:
    def fragment(n: int) -> str:
        below = " ".join(f"a{k}:events{{order{{...F{n + 1}}}}}" for k in range(20))
        return f"fragment F{n} on Order{{{below}}}"

    folded = " ".join(fragment(n) for n in range(5))
    rows = 1
    for _ in range(5):
        rows = 1 + 20 * (2 + 32) // 256 + 20 * 8 * (1 + rows)

    text = f"{{orders(first:1){{nodes{{...F0}}}}}} {folded} fragment F5 on Order{{id}}"
    assert cost(text) == ORDERS + rows > 10**11


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements that the pool's connections execute meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_what_is_too_costly_is_refused_with_its_number_and_reads_nothing(
    ask: Asking,
) -> None:
    await accepted(ask.services.orders)

    with statements(ask.services.orders._engine) as seen:
        answer = await ask(NESTED)

    (error,) = answer["errors"]
    assert "data" not in answer
    assert error["extensions"] == {"code": "QUERY_TOO_COSTLY", "cost": 65_712, "limit": 5_000}
    assert "costs 65712 rows; at most 5000" in error["message"]
    assert [statement for statement in seen if "order_events e" in statement] == []


async def test_what_takes_too_long_to_count_is_refused(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.graphql.cost._MOST_STEPS", 10)

    assert "errors" not in await ask("{" + " ".join(f"t{n}:__typename" for n in range(10)) + "}")
    answer = await ask("{" + " ".join(f"t{n}:__typename" for n in range(11)) + "}")

    assert answer["errors"][0]["extensions"] == {
        "code": "QUERY_TOO_COSTLY", "cost": None, "limit": 5_000,
    }  # fmt: skip


async def test_the_limit_is_a_setting_and_variables_count(settings: Settings) -> None:
    text = "query($n:Int=50){orders(first:$n){nodes{id}}}"

    async with asking(settings.model_copy(update={"max_query_cost": ORDERS + 50})) as ask:
        assert "errors" not in await ask(text)
        assert "errors" not in await ask(text, n=1)
        assert "errors" not in await ask(text, n=None)
        (error,) = (await ask(text, n=51))["errors"]

    assert error["extensions"] == {
        "code": "QUERY_TOO_COSTLY", "cost": ORDERS + 51, "limit": ORDERS + 50,
    }  # fmt: skip


async def test_the_introspection_of_tools_is_within_the_limit(ask: Asking) -> None:
    await ask.data(get_introspection_query(specified_by_url=True, input_value_deprecation=True))


async def test_a_stream_that_is_too_costly_is_refused_too(settings: Settings) -> None:
    text = "subscription{orderEvents{order{events{order{events{order{events{sequence}}}}}}}}"
    low = settings.model_copy(update={"max_query_cost": 100})
    with LiveServer(low) as server:
        async with server.acknowledged() as client:
            await client.send(
                '{"id": "1", "type": "subscribe", "payload": {"query": "' + text + '"}}'
            )
            frame = await client.recv()

    assert '"type":"error"' in str(frame).replace(" ", "")
    assert "QUERY_TOO_COSTLY" in str(frame)


async def test_events_are_read_once_a_level_however_many_orders_have_them(ask: Asking) -> None:
    store = ask.services.orders
    for _ in range(10):
        await advanced(store, await accepted(store), S.ROUTING, S.BUILDING)

    with statements(store._engine) as seen:
        answer = await ask.data("{orders{nodes{id events{order{id events{sequence}}}}}}")

    reads = [statement for statement in seen if "FROM order_events e" in statement]
    orders = [statement for statement in seen if "FROM orders WHERE id = ANY" in statement]
    assert (len(reads), len(orders)) == (2, 1)
    for order in answer["orders"]["nodes"]:
        whole = [{"sequence": n} for n in (1, 2, 3)]
        assert [event["order"] for event in order["events"]] == [
            {"id": order["id"], "events": whole}
        ] * 3


@pytest.fixture
async def full(settings: Settings) -> AsyncIterator[Asking]:
    """An application all of whose connections for queries are taken."""
    async with asking(settings.model_copy(update={"database_pool_size": 5})) as ask:
        engine = ask.services.orders._engine
        vars(engine.pool)["_timeout"] = 0.05
        taken: list[object] = []
        while True:  # its own background work gives its connection back
            try:
                taken.append(await engine.connect())
            except PoolTimeout:
                break
        yield ask
        for connection in taken:
            await connection.close()  # type: ignore[attr-defined]


async def test_a_query_without_a_connection_left_is_overloaded(full: Asking) -> None:
    answer = await full("{orders{nodes{id}}}")

    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "OVERLOADED", "retryAfterMs": 1_000}
    assert error["path"] == ["orders"]


async def test_a_mutation_without_a_connection_left_is_overloaded(full: Asking) -> None:
    answer = await full.data(
        'mutation{cancelOrder(orderId:"0198c5f0-0000-7000-8000-000000000000")'
        "{order{id} userErrors{code retryClass retryAfterMs}}}"
    )

    refusal = {"code": "OVERLOADED", "retryClass": "RETRY", "retryAfterMs": 1_000}
    assert answer["cancelOrder"] == {"order": None, "userErrors": [refusal]}


async def test_orders_are_placed_while_queries_hold_all_other_connections(full: Asking) -> None:
    text = """mutation{executeMarketOrder(input:{
        clientOrderId:"a",tokenIn:"SOL",tokenOut:"USDC",amount:"1"
    }){order{status} replayed userErrors{code}}}"""

    placed, again = await full.data(text), await full.data(text)

    order = {"status": "PENDING"}
    assert placed["executeMarketOrder"] == {"order": order, "replayed": False, "userErrors": []}
    assert again["executeMarketOrder"] == {"order": order, "replayed": True, "userErrors": []}
