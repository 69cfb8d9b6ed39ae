"""uvicorn, with what its WebSocket protocol does not offer: to drop a connection at once."""

from http import HTTPStatus

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from api.app import create_app
from wiring.settings import Settings

_GRACEFUL_SECONDS = 3
_LINGER_SECONDS = 1


class AbortableWebSocket(WebSocketsSansIOProtocol):
    """Never waits for long for a client that does not read.

    uvicorn closes a connection once all is flushed; to a client that does not read that is never.
    `abort` in the scope's state ends it at once, for whoever finds that out first.
    """

    def handle_connect(self, event: Request) -> None:
        most = self.config.limit_concurrency  # which uvicorn asks of plain requests only
        if most is not None and len(self.connections) > most:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n")
        else:
            super().handle_connect(event)

    async def run_asgi(self) -> None:
        self.scope["state"]["abort"] = self.transport.abort
        await super().run_asgi()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self.handshake_complete = self.close_sent = True
        self.conn.send_response(self.conn.reject(status, text))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


def make_server(settings: Settings) -> uvicorn.Server:
    """Return the API's server, ready to run."""
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
    return uvicorn.Server(config)


def run_api(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Streams are closed with 1012; their clients resume."""
    make_server(settings).run()
