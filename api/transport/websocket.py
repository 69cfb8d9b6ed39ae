"""graphql-transport-ws, where the stock handler trusts its clients too much."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.schema.schema import StreamResult
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message

from api.graphql.context import Context
from api.graphql.errors import shown
from api.transport.operation import what_is_wrong
from engine.errors import ErrorCode
from wiring.logs import get_logger

_LONGEST_CLOSE_REASON = 123  # bytes, by RFC 6455

log = get_logger(__name__)


class Sends(Protocol):
    """What an adapter needs to know of the view that it sends for."""

    send_timeout_seconds: float


class PatientAdapter(ASGIWebSocketAdapter):
    """Lets go of a client that does not read: a send may take `send_timeout_seconds`, no longer."""

    def __init__(self, view: Sends, request: WebSocket, response: WebSocket) -> None:
        super().__init__(cast(Any, view), request, response)
        self._send_timeout = view.send_timeout_seconds
        self._gone = False

    async def send_json(self, message: Mapping[str, object]) -> None:
        async with self._patience():
            await super().send_json(message)

    async def close(self, code: int, reason: str) -> None:
        # More than that no close frame can carry, and the code would be lost with it.
        short = reason.encode(errors="replace")[:_LONGEST_CLOSE_REASON].decode(errors="ignore")
        async with self._patience():
            await super().close(code, short)

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        if self._gone or self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            async with asyncio.timeout(self._send_timeout):
                yield
        except TimeoutError:
            if not self._gone:
                self._gone = True
                log.warning("stream.client_not_reading")
                # A close frame would wait behind what the client does not read.
                self.ws.scope["state"]["abort"]()
            raise WebSocketDisconnected from None


class StrictHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Closes with 4400 on every malformed message, and ends a failed operation with its error.

    The stock handler raises on some messages, closes the whole connection where one operation
    has a syntax error, and says `complete` where preparing an operation raises.
    """

    async def handle_message(self, message: Message) -> None:
        if not _is_well_formed(message):
            await self.handle_invalid_message("Malformed message")
            return
        if message["type"] == "connection_init" and message.get("payload") is None:
            message.pop("payload", None)
        await super().handle_message(message)

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    async def send_message(self, message: Message) -> None:
        if message["type"] == "error":
            for error in message["payload"]:
                # The one error that the stock handler makes by itself: one stream too many.
                error.setdefault("extensions", {"code": ErrorCode.RATE_LIMITED})
        await super().send_message(message)

    async def _send_result_stream(
        self, operation: Operation[Context, None], result_source: StreamResult
    ) -> None:
        try:
            await super()._send_result_stream(operation, result_source)
        except WebSocketDisconnected:
            raise
        except Exception as error:
            await operation.send_initial_errors([shown(error)])

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> None:
        return None  # one operation's mistake is no reason to end the others


def _is_well_formed(message: object) -> bool:
    """Say whether a message has the shape that graphql-transport-ws gives its type."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    payload = message.get("payload")
    if message["type"] not in ("subscribe", "complete"):
        return isinstance(payload, dict | None)
    if not isinstance(message.get("id"), str) or not message["id"]:
        return False
    if message["type"] == "complete":
        return True
    return (
        isinstance(payload, dict)
        and what_is_wrong(payload) is None
        and payload.get("query") is not None
    )
