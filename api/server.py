"""uvicorn, set up to serve the API."""

import asyncio
import socket

import uvicorn

from api.app import create_app
from api.transport.connections import AbortableWebSocket, AcceptFailures, punctual
from api.transport.open_files import most_connections, raise_file_limit
from wiring.settings import Settings

_GRACEFUL_SECONDS = 3


class Server(uvicorn.Server):
    """uvicorn's, that tells of connections it cannot accept without filling the log."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(AcceptFailures())
        await super().startup(sockets)


def make_server(settings: Settings) -> Server:
    """Return the API's server, ready to run."""
    most = most_connections(settings, raise_file_limit())
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=punctual(settings.request_timeout_ms / 1000),
        ws=AbortableWebSocket,
        ws_per_message_deflate=False,
        ws_max_size=settings.max_body_bytes,
        limit_concurrency=most,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        log_config=None,
        access_log=False,
    )
    return Server(config)


def run_api(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Streams are closed with 1012; their clients resume."""
    make_server(settings).run()
