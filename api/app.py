"""The Starlette application: routes, and what lives as long as the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from api.graphql.context import Services
from api.streams.hub import Hub
from api.streams.pool_feed import PoolFeed
from api.transport import pages
from api.transport.body_limit import BodyLimit
from api.transport.health import Health
from api.transport.http import GraphQLTransport
from api.transport.schema_text import schema_text
from tasks.broker import broker
from tasks.resources import open_resources
from wiring.logs import get_logger
from wiring.settings import Settings

_COUNT_SECONDS = 1.0

log = get_logger(__name__)


def create_app(settings: Settings) -> Starlette:
    """Return the application. It starts without its servers, and is ready once they are there."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if reason := pages.why_not_built():
            log.warning("pages.not_built", reason=reason)
        async with open_services(settings) as services:
            app.state.services = services
            yield

    graphql = GraphQLTransport(settings, lambda: app.state.services)
    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", pages.desk),
            Mount("/static", pages.Assets()),
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            Route("/schema.graphql", schema_text),
            Route("/health/live", _live),
            Route("/health/ready", _ready),
        ],
        middleware=[Middleware(BodyLimit, max_bytes=settings.max_body_bytes)],
    )
    return app


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything requests share."""
    redis = Redis.from_url(settings.require_redis_url, socket_timeout=2)
    async with open_resources(settings, broker) as resources, redis:
        hub = Hub(
            resources.orders,
            resources.updates,
            poll_interval_ms=settings.stream_poll_interval_ms,
        )
        pool_feed = PoolFeed(resources.updates)
        services = Services(
            settings=settings,
            orders=resources.orders,
            candles=resources.candles,
            ledger=resources.ledger,
            pools=resources.pools,
            venues=resources.venues,
            updates=resources.updates,
            sender=resources.sender,
            hub=hub,
            pool_feed=pool_feed,
            health=Health(resources.database, redis, resources.updates),
        )
        background = [
            asyncio.create_task(hub.run()),
            asyncio.create_task(pool_feed.run()),
            asyncio.create_task(_count_in_progress(services)),
        ]
        try:
            yield services
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)


async def _live(request: Request) -> Response:
    services: Services = request.app.state.services
    return await services.health.live()


async def _ready(request: Request) -> Response:
    services: Services = request.app.state.services
    return await services.health.ready()


async def _count_in_progress(services: Services) -> None:
    """Keep the count that decides whether a new order is refused as one too many."""
    while True:
        try:
            services.orders_in_progress = await services.orders.in_progress()
        except Exception as error:
            log.warning("orders.not_counted", error=str(error))
        await asyncio.sleep(_COUNT_SECONDS)
