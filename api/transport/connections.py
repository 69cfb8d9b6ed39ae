"""uvicorn's connections, and the end of those that nobody finishes or reads."""

import asyncio
import errno
import time
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from wiring.logs import get_logger

_LINGER_SECONDS = 1
MOST_REFUSED = 64  # connections above the cap that are still told so, rather than dropped
_MOST_HEADER_BYTES = 65_536
_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NOT_ACCEPTED_SECONDS = 10

log = get_logger(__name__)


class PunctualHTTP(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Ends a connection whose request has not come whole in time, however slowly it trickles.

    The time runs from the connection's beginning, or from the request's first byte on one that is
    kept. Headers have a length, too, and connections far above the cap, of which uvicorn counts
    only requests, are dropped. What has come is answered however long that takes.
    """

    request_seconds: float  # of the class that `punctual` makes
    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        most = self.limit_concurrency
        if most is not None and len(self.connections) > most + MOST_REFUSED:
            transport.abort()
        else:
            self._start()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            return  # it became a WebSocket
        answered = before is None or before.response_complete
        if self.cycle is before and answered:
            self._start()
            self._header_bytes += len(data)
            if self._header_bytes > _MOST_HEADER_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        self._header_bytes = 0
        if self.cycle.more_body:
            self._start()
        else:
            self._stop()

    def handle_websocket_upgrade(self, *request: Any) -> None:
        self._stop()
        super().handle_websocket_upgrade(*request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._close()

    def _start(self) -> None:
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.request_seconds, self._too_late)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        in_body = self.cycle is not None and not self.cycle.response_complete
        if self._header_bytes or (in_body and not self.cycle.response_started):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    def _refuse(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            line = f"HTTP/1.1 {status} {status.phrase}\r\n"
            headers = "connection: close\r\ncontent-length: 0\r\n\r\n"
            self.transport.write((line + headers).encode())
        self._close()

    def _close(self) -> None:
        """Close once all is flushed, which to a client that does not read is never, or soon."""
        self._stop()
        self.transport.close()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)


def punctual(request_seconds: float) -> type[asyncio.Protocol]:
    """Return the protocol whose requests have so much time to arrive."""
    return type("PunctualHTTP", (PunctualHTTP,), {"request_seconds": request_seconds})


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


class AcceptFailures:
    """Says now and then that connections cannot be accepted; asyncio does at every attempt."""

    def __init__(self) -> None:
        self._since_said = 0
        self._say_at = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what asyncio has nobody else to tell."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _NO_MORE_FILES:
            loop.default_exception_handler(context)
            return
        self._since_said += 1
        if time.monotonic() >= self._say_at:
            log.error("connections.not_accepted", error=str(error), times=self._since_said)
            self._since_said, self._say_at = 0, time.monotonic() + _NOT_ACCEPTED_SECONDS
