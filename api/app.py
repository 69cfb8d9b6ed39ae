"""The Starlette application: routes, and what lives as long as the process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from api.announcing import Announcer
from api.capacity import Capacity
from api.graphql.context import Services
from api.streams.hub import Hub
from api.streams.pool_feed import PoolFeed
from api.transport import pages
from api.transport.body_limit import BodyLimit
from api.transport.cors import Cors
from api.transport.headers import SecurityHeaders
from api.transport.health import Health
from api.transport.hosts import HostCheck
from api.transport.http import GraphQLTransport
from api.transport.origins import Origins
from api.transport.schema_text import schema_text
from engine.orders.admission import Admission
from tasks.broker import broker
from wiring.logs import get_logger
from wiring.resources import open_resources
from wiring.settings import Settings
from wiring.vital import vital

log = get_logger(__name__)


def create_app(settings: Settings) -> Starlette:
    """Return the application. It starts without its servers, and is ready once they are there."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if reason := pages.why_not_built():
            log.warning("pages.not_built", reason=reason)
        async with open_services(settings) as services, open_health(services) as health:
            app.state.services, app.state.health = services, health
            yield

    graphql = GraphQLTransport(settings, lambda: app.state.services)
    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", pages.desk),
            Mount("/static", pages.Assets()),
            Route("/graphql", graphql),
            Route("/graphql/", pages.without_slash, methods=["GET", "POST"]),
            WebSocketRoute("/graphql", graphql),
            Route("/schema.graphql", schema_text),
            Route("/health/live", _live),
            Route("/health/ready", _ready),
        ],
        middleware=[
            # From the outside in: every answer has the headers, and whoever has no business here is
            # turned away before a body is read.
            Middleware(SecurityHeaders),
            Middleware(HostCheck, listens_on=settings.host, allowed=settings.allowed_hosts),
            Middleware(Cors, origins=Origins(settings.allowed_origins)),
            Middleware(BodyLimit, max_bytes=settings.max_body_bytes),
        ],
    )
    app.router.redirect_slashes = False  # its redirects echo Host
    return app


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything requests share."""
    async with open_resources(settings, broker) as resources:
        hub = Hub(
            resources.orders,
            resources.updates,
            poll_interval_ms=settings.stream_poll_interval_ms,
        )
        pool_feed = PoolFeed(resources.updates, most=settings.max_quote_streams)
        capacity = Capacity(resources.orders, most=settings.max_orders_in_progress)
        async with vital(hub=hub.run(), pool_feed=pool_feed.run(), capacity=capacity.run()):
            yield Services.around(
                resources,
                hub=hub,
                pool_feed=pool_feed,
                capacity=capacity,
                announcer=Announcer(resources.sender),
                admission=Admission(resources.venues),
            )


@asynccontextmanager
async def open_health(services: Services) -> AsyncIterator[Health]:
    """Open what health is asked with."""
    async with Redis.from_url(services.settings.require_redis_url, socket_timeout=2) as redis:
        yield Health(services.database, redis, services.updates)


async def _live(request: Request) -> Response:
    health: Health = request.app.state.health
    return await health.live()


async def _ready(request: Request) -> Response:
    health: Health = request.app.state.health
    return await health.ready()
