"""The queries."""

from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import ACCOUNT, Info
from api.graphql.inputs import OrderFilter, QuoteInput
from api.graphql.order_types import Order, OrderConnection
from api.graphql.pool_types import Candle, Pool, require_candles
from api.graphql.types import Node, QuotePayload, Token, UserError, Venue
from api.market.paging import PAGE, stretch
from api.market.quoting import ask_venues, read_quote, show_quote
from api.market.tokens import require_token
from api.orders.history import order_filter, order_history
from engine.errors import EngineError
from engine.orders.request import require_client_order_id
from engine.tokens import is_mint


async def find_node(id: str, info: Info) -> Node | None:
    """Return what has this id. Ids of different types differ in form.

    An order's is a UUID in its one canonical form, a pool's has a colon, a token's is a mint.
    """
    services = info.context.services
    order_id = parse_order_id(id)
    if order_id is not None and str(order_id) == id:
        order = await services.orders.get(order_id)
        return None if order is None else Order.from_model(order, info)
    venue = services.find_venue(id)
    if venue is not None:
        return Venue.from_engine(venue)
    book = await services.pools.book()
    if id in book.pools:
        return Pool.from_engine(book.pools[id], info)
    return Token.from_engine(book.tokens.find(id)) if is_mint(id) and id in book.tokens else None


def parse_order_id(id: str) -> UUID | None:
    """Return an order id, None where the text is none."""
    try:
        return UUID(id)
    except ValueError:
        return None


@strawberry.type(description="Everything that can be read.")
class Query:
    @strawberry.field(
        description="An order, a pool, a token or a venue by its id; null where there is none."
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of any type.")],
    ) -> Node | None:
        return await find_node(id, info)

    @strawberry.field(description="An order by its id; null where there is none.")
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
    ) -> Order | None:
        order_id = parse_order_id(id)
        found = None if order_id is None else await info.context.services.orders.get(order_id)
        return None if found is None else Order.from_model(found, info)

    @strawberry.field(description="An order by the id its client gave it; null for none.")
    async def order_by_client_order_id(
        self,
        info: Info,
        client_order_id: Annotated[
            str, strawberry.argument(description="The id given when the order was placed.")
        ],
    ) -> Order | None:
        try:
            id = require_client_order_id(client_order_id)
        except EngineError:
            return None
        found = await info.context.services.orders.by_client_order_id(ACCOUNT, id)
        return None if found is None else Order.from_model(found, info)

    @strawberry.field(description="Order history, newest first; keyset pages of at most 100.")
    async def orders(
        self,
        info: Info,
        filter: Annotated[
            OrderFilter | None, strawberry.argument(description="Which orders; all by default.")
        ] = None,
        first: Annotated[
            int | None,
            strawberry.argument(
                description="How many from the newest, 0 to 100; 20 without `first` and `last`."
            ),
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="Only orders after this cursor.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many from the oldest, 0 to 100.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="Only orders before this cursor.")
        ] = None,
    ) -> OrderConnection:
        return await order_history(
            info,
            await order_filter(filter, info.context.services),
            first=first,
            after=after,
            last=last,
            before=before,
        )

    @strawberry.field(description="What a swap would give now, with every venue's answer.")
    async def quote(
        self,
        info: Info,
        input: Annotated[QuoteInput, strawberry.argument(description="The swap.")],
    ) -> QuotePayload:
        services = info.context.services
        try:
            asked = await read_quote(input, services)
            best = await ask_venues(asked, services)
        except EngineError as error:
            return QuotePayload(quote=None, user_errors=[UserError.from_engine(error)])
        return QuotePayload(quote=show_quote(best, asked, info), user_errors=[])

    @strawberry.field(description="The tokens that can be traded, those launched since at the end.")
    async def tokens(
        self,
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="How many, 0 to 500.")] = PAGE,
        after: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those after this id.")
        ] = None,
    ) -> list[Token]:
        known = (await info.context.services.pools.book()).tokens
        page = stretch(known, lambda token: token.mint, first=first, after=after)
        return [Token.from_engine(token) for token in page]

    @strawberry.field(description="The venues orders are routed to.")
    def venues(self, info: Info) -> list[Venue]:
        return [Venue.from_engine(venue) for venue in info.context.services.venues]

    @strawberry.field(description="The pools of the simulated venues, as they are now, by id.")
    async def pools(
        self,
        info: Info,
        token_x: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only pools with this token.")
        ] = None,
        token_y: Annotated[
            strawberry.ID | None, strawberry.argument(description="And with this one.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description="How many, 0 to 500.")] = PAGE,
        after: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those after this id.")
        ] = None,
    ) -> list[Pool]:
        services = info.context.services
        wanted = {
            await require_token(token, services)
            for token in (token_x, token_y)
            if token is not None
        }
        book = await services.pools.book()
        found = (pool for _, pool in sorted(book.pools.items()) if wanted <= pool.tokens)
        page = stretch(found, lambda pool: pool.id, first=first, after=after)
        return [Pool.from_engine(pool, info) for pool in page]

    @strawberry.field(
        description="Candles of a pair's executed and simulated trades, for charts; the oldest "
        "first. Stretches without a trade have none."
    )
    async def candles(
        self,
        info: Info,
        token_in: Annotated[
            strawberry.ID, strawberry.argument(description="Symbol or mint of the token priced.")
        ],
        token_out: Annotated[
            strawberry.ID, strawberry.argument(description="Symbol or mint it is priced in.")
        ],
        interval_seconds: Annotated[
            int | None,
            strawberry.argument(description="The length of a candle: a multiple of 5 to 86400."),
        ] = 60,
        last: Annotated[
            int | None, strawberry.argument(description="How many back from now, 1 to 500.")
        ] = 120,
    ) -> list[Candle]:
        services = info.context.services
        paid = await require_token(token_in, services)
        bought = await require_token(token_out, services)
        seconds, count = require_candles(interval_seconds, last)
        candles = await services.candles.last(paid, bought, seconds=seconds, last=count)
        return [Candle.from_model(candle, paid) for candle in candles]
