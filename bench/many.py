"""Many orders in one mutation: what each costs then, where the schema has that mutation."""

from typing import Any

from bench import witness
from bench.load import Connection, market_orders, request, send_all
from bench.report import Report
from bench.stack import BenchFailed, Engine
from bench.usage import cpu_between, cpu_seconds
from bench.whole import add_costs

_PER_MUTATION = 100
_IN_FLIGHT = 8
_NAME = "executeMarketOrders"
_EXECUTE = f"""
mutation Execute($inputs: [ExecuteMarketOrderInput!]!) {{
  {_NAME}(inputs: $inputs) {{ order {{ id status }} userErrors {{ code message }} }}
}}
"""
_KNOWN = '{ __type(name: "Mutation") { fields { name } } }'


async def measure_many(engine: Engine, count: int, report: Report) -> int:
    """Execute about `count` orders, a hundred in each mutation; return how many it executed."""
    report.section(f"Many at once: {_PER_MUTATION} orders a mutation, {_IN_FLIGHT} in flight")
    async with Connection(engine.url) as connection:
        known = (await connection.post(request(_KNOWN)))["data"]["__type"]["fields"]
    if _NAME not in {mutation["name"] for mutation in known}:
        report.add_absent(_NAME, "not there")
        return 0
    count -= count % -_PER_MUTATION
    orders = market_orders("many", count)
    groups = [orders[n : n + _PER_MUTATION] for n in range(0, count, _PER_MUTATION)]
    before = cpu_seconds(engine.processes())
    bodies = [request(_EXECUTE, inputs=group) for group in groups]
    submitted = await send_all(
        engine.url, bodies, _require_all, in_flight=_IN_FLIGHT, prefix="many"
    )
    await witness.wait_until_done(engine.database_url)
    spent = cpu_between(before, cpu_seconds(engine.processes()))
    ended = await witness.reached_at(engine.database_url, submitted, "CONFIRMED")
    rate = count / (max(ended.values()) - submitted.began)
    report.add("submitted and executed together", rate, "1/s", at_least=2_500)
    add_costs(spent, count, report, 0.75)
    report.add_percentiles("answer", submitted.latencies_ms, "ms", at_most=(None, None))
    return count


def _require_all(answer: Any) -> None:
    payloads = (answer.get("data") or {}).get(_NAME) or []
    accepted = sum(bool(payload["order"]) and not payload["userErrors"] for payload in payloads)
    if answer.get("errors") or accepted != _PER_MUTATION:
        raise BenchFailed(f"{accepted} of {_PER_MUTATION} orders were accepted: {answer}"[:2_000])
