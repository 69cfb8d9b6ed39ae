"""A graphql-transport-ws connection: the `websockets` package's protocol on asyncio's transport.

Ten thousand of them share two cores with what they measure: no task, queue or timer for each.
"""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from bench.stack import BenchFailed

_OPEN_SECONDS = 30


class Socket(asyncio.Protocol):
    """One connection, opened and acknowledged; the messages that come go to a listener."""

    def __init__(self, url: str) -> None:
        uri = parse_uri("ws" + url.removeprefix("http"))
        self._address = uri.host, uri.port
        self._websocket = ClientProtocol(uri, subprotocols=[Subprotocol("graphql-transport-ws")])
        self._transport: asyncio.Transport | None = None
        self._listener: Callable[[dict[str, Any]], None] | None = None
        self._failed: Callable[[Exception], None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        acknowledged: asyncio.Future[dict[str, Any]] = loop.create_future()
        self.listen(acknowledged.set_result, acknowledged.set_exception)
        self._transport, _ = await loop.create_connection(lambda: self, *self._address)
        self._websocket.send_request(self._websocket.connect())
        self._flush()
        async with asyncio.timeout(_OPEN_SECONDS):
            frame = await acknowledged
        if frame["type"] != "connection_ack":
            raise BenchFailed(f"a connection was sent {frame} instead of connection_ack")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._transport is not None
        self._listener = self._failed = None
        self._transport.close()

    def listen(
        self, listener: Callable[[dict[str, Any]], None], failed: Callable[[Exception], None]
    ) -> None:
        """Hand every message to `listener`, and what ends the connection or it to `failed`."""
        self._listener, self._failed = listener, failed

    def send(self, message: str) -> None:
        self._websocket.send_text(message.encode())
        self._flush()

    def data_received(self, data: bytes) -> None:
        opening = self._websocket.state is State.CONNECTING
        self._websocket.receive_data(data)
        if opening and self._websocket.state is State.OPEN:
            self.send(json.dumps({"type": "connection_init"}))
        for event in self._websocket.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._tell(json.loads(bytes(event.data)))
        self._flush()  # the answer to a ping

    def connection_lost(self, error: Exception | None) -> None:
        if self._failed is not None:
            why = self._websocket.handshake_exc or self._websocket.close_rcvd or error
            self._failed(BenchFailed(f"the API closed a stream: {why}"))

    def _tell(self, message: dict[str, Any]) -> None:
        if self._listener is None or self._failed is None:
            return
        try:
            self._listener(message)
        except (BenchFailed, LookupError, TypeError) as error:
            self._failed(error)

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._websocket.data_to_send():
            if data:
                self._transport.write(data)
