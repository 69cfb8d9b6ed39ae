"""uvicorn, with what its WebSocket protocol does not offer: to drop a connection at once."""

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.app import create_app
from engine.settings import Settings

_GRACEFUL_SECONDS = 3


class AbortableWebSocket(WebSocketsSansIOProtocol):
    """Puts `abort` into the scope's state: it ends the connection without flushing it."""

    async def run_asgi(self) -> None:
        self.scope["state"]["abort"] = self.transport.abort
        await super().run_asgi()


def run_api(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Streams are closed with 1012; their clients resume."""
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        ws=AbortableWebSocket,
        ws_per_message_deflate=False,
        ws_max_size=settings.max_body_bytes,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        log_config=None,
        access_log=False,
    )
    uvicorn.Server(config).run()
