"""A TCP proxy that fails as networks do: it delays, resets, and swallows."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Self

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time; closing then resets


class Proxy:
    """Listens on a port of 127.0.0.1 and passes what it gets to whatever `reach` opens.

    A connection that was black-holed stays so for ever: neither side hears of the other again, not
    even that it has gone. Those made after `heal` are well.
    """

    def __init__(self, port: int, reach: Callable[[], Awaitable[Streams]]) -> None:
        self.port = port
        self.delay_seconds = 0.0
        self._reach = reach
        self._swallows = False
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.swallows = False
            connection.reset()
        async with asyncio.timeout(10):
            while self._connections:
                await asyncio.sleep(0.01)

    def reset_all(self) -> int:
        """Reset every connection, both ends; return how many there were."""
        well = [connection for connection in self._connections if not connection.swallows]
        for connection in well:
            connection.reset()
        return len(well)

    def swallow_all(self) -> None:
        """Drop whatever is sent from now on, on every connection, new ones included."""
        self._swallows = True
        for connection in self._connections:
            connection.swallows = True

    def heal(self) -> None:
        """Pass on what new connections send, at once."""
        self._swallows, self.delay_seconds = False, 0.0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, (reader, writer))
        connection.swallows = self._swallows
        self._connections.add(connection)
        try:
            await connection.run(self._reach)
        finally:
            self._connections.discard(connection)


class _Connection:
    def __init__(self, proxy: Proxy, near: Streams) -> None:
        self.swallows = False
        self._proxy = proxy
        self._near = near
        self._far: Streams | None = None
        self._ended = asyncio.Event()

    async def run(self, reach: Callable[[], Awaitable[Streams]]) -> None:
        pumps: list[asyncio.Task[None]] = []
        try:
            if not self.swallows:
                self._far = await reach()
                pumps = [
                    asyncio.create_task(self._pump(self._near[0], self._far[1])),
                    asyncio.create_task(self._pump(self._far[0], self._near[1])),
                ]
            await self._ended.wait()
        except OSError:
            _abort(self._near[1])
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in (self._near[1], *([self._far[1]] if self._far else [])):
                with contextlib.suppress(OSError):
                    writer.close()

    def reset(self) -> None:
        for writer in (self._near[1], *([self._far[1]] if self._far else [])):
            _abort(writer)
        self._ended.set()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while sent := await reader.read(65_536):
                if self._proxy.delay_seconds:
                    await asyncio.sleep(self._proxy.delay_seconds)
                if self.swallows:
                    continue
                writer.write(sent)
                await writer.drain()
        if self.swallows:
            return  # the other end is not to hear of it
        self._ended.set()


def _abort(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        connected: socket.socket | None = writer.get_extra_info("socket")
        if connected is not None and connected.family != socket.AF_UNIX:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


def to_unix(path: str) -> Callable[[], Awaitable[Streams]]:
    """Return what opens a connection to a server's Unix socket."""
    return lambda: asyncio.open_unix_connection(path)


def to_port(port: int) -> Callable[[], Awaitable[Streams]]:
    """Return what opens a connection to a server's port of 127.0.0.1."""
    return lambda: asyncio.open_connection("127.0.0.1", port)
