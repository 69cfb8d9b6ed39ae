"""The API behind a real uvicorn in a thread, and clients that speak to it frame by frame."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from api.graphql.context import Services
from api.server import make_server
from wiring.settings import Settings

PATIENCE_SECONDS = 10
PROTOCOL = "graphql-transport-ws"
INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}


class LiveServer:
    """A server on a free port, for as long as the context is open.

    Its sockets buffer little, so that a test can fill them.
    """

    def __init__(self, settings: Settings, **config: Any) -> None:
        self.server = make_server(settings)
        for name, value in config.items():
            setattr(self.server.config, name, value)
        self._app: Any = self.server.config.app
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self._socket]}, name="uvicorn"
        )

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()
        return host, port

    @property
    def services(self) -> Services:
        services: Services = self._app.state.services
        return services

    @property
    def streams(self) -> int:
        return self.services.hub.streams

    @property
    def connections(self) -> list[WebSocketsSansIOProtocol]:
        """The WebSocket connections that the server has not let go of."""
        return [
            connection
            for connection in list(self.server.server_state.connections)
            if isinstance(connection, WebSocketsSansIOProtocol)
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        while not self.server.started:
            assert self._thread.is_alive(), "the server did not start"
            self._thread.join(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop"

    def connect(self, *protocols: str) -> connect:
        return connect_to(self.address, *protocols)

    def acknowledged(self) -> AbstractAsyncContextManager[ClientConnection]:
        return acknowledged_by(self.address)


def connect_to(address: tuple[str, int], *protocols: str) -> connect:
    """Open a WebSocket that offers these subprotocols."""
    host, port = address
    return connect(
        f"ws://{host}:{port}/graphql",
        subprotocols=[Subprotocol(protocol) for protocol in protocols] or None,
        compression=None,
        proxy=None,
    )


@contextlib.asynccontextmanager
async def acknowledged_by(address: tuple[str, int]) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket past its initialisation."""
    async with connect_to(address, PROTOCOL) as socket:
        await send(socket, INIT)
        assert await receive(socket) == ACK
        yield socket


def subscribe(query: str, *, id: str = "1", **payload: object) -> dict[str, object]:
    """The message that begins an operation."""
    return {"type": "subscribe", "id": id, "payload": {"query": query, **payload}}


def order_status(order_id: object, *, after: int = 0, id: str = "1") -> dict[str, object]:
    """The message that follows an order."""
    query = "subscription ($order: ID!, $after: Int) "
    query += "{ orderStatus(orderId: $order, after: $after) { sequence status } }"
    return subscribe(query, id=id, variables={"order": str(order_id), "after": after})


async def send(socket: ClientConnection, *messages: object) -> None:
    """Send frames: text and bytes as they are, anything else as JSON."""
    for message in messages:
        await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def receive(socket: ClientConnection) -> Any:
    """Return the next message."""
    return json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS))


async def closed(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Return the code and reason the server closes with, after whatever it still sends."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await socket.wait_closed()
    return socket.close_code, socket.close_reason


class DeafClient:
    """A client that sends but never reads, with next to no room for what is sent to it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._socket.connect(address)
        self._socket.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        assert self._socket.recv(1_024).startswith(b"HTTP/1.1 101 ")
        self.send(INIT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, message: object) -> None:
        frame = Frame(Opcode.TEXT, json.dumps(message).encode())
        self._socket.sendall(frame.serialize(mask=True))

    def ask_for_more_than_fits(self) -> None:
        """Send queries with long answers, until the server does not take them any more."""
        with contextlib.suppress(ConnectionError):
            for n in range(100):
                self.send(subscribe(long_answer(40_000), id=f"long-{n}"))


def long_answer(length: int) -> str:
    """A query whose answer is at least so many bytes long."""
    return "{ " + "a" * length + ": __typename }"
