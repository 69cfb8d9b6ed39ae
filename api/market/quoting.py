"""Ask the venues what a swap would give: for the query, and again and again for the stream."""

from datetime import UTC, datetime

from api.graphql.context import Info, Services
from api.graphql.inputs import QuoteInput
from api.graphql.types import Quote
from engine.amounts import min_amount_out
from engine.orders.admission import require_route
from engine.orders.request import OrderRequest
from engine.venues.routing import BestRoute, best_route


async def read_quote(input: QuoteInput, services: Services) -> OrderRequest:
    """Return what is to be quoted. Raises EngineError with the input's path."""
    asked = input.to_request(await services.pools.tokens(*input.token_names))
    await require_route(asked.swap, services.venues)
    return asked


async def ask_venues(asked: OrderRequest, services: Services) -> BestRoute:
    """Return the best route now. Raises EngineError where no venue offers one."""
    return await best_route(
        asked.swap,
        services.venues,
        deadline_ms=services.settings.quote_timeout_ms,
        leg_cost_lamports=services.settings.leg_cost_lamports,
    )


def show_quote(best: BestRoute, asked: OrderRequest, info: Info) -> Quote:
    """Return a route as the API shows it."""
    floor = min_amount_out(best.quote.amount_out, asked.slippage_bps)
    return Quote.from_engine(best, asked.swap, floor, datetime.now(UTC), info)
