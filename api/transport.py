"""GraphQL over HTTP and over graphql-transport-ws, where the stock view falls short.

HTTP follows the GraphQL over HTTP specification (graphql.github.io/graphql-over-http): the answer
is `application/graphql-response+json` for those who accept it, and then a request that could not
be executed is a 400. WebSockets speak graphql-transport-ws only.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

import structlog
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from uuid_utils.compat import uuid7

from api.context import Context, Services
from api.schema import make_schema
from engine.logs import get_logger
from engine.settings import Settings

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"

log = get_logger(__name__)


class PatientAdapter(ASGIWebSocketAdapter):
    """Lets go of a client that does not read: a send may take `send_timeout_ms`, no longer."""

    def __init__(self, view: "GraphQLTransport", request: WebSocket, response: WebSocket) -> None:
        super().__init__(cast(Any, view), request, response)
        self._send_timeout = view.send_timeout_seconds

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(self._send_timeout):
                await super().send_json(message)
        except TimeoutError:
            log.warning("stream.client_not_reading")
            # A close frame would wait behind what the client does not read.
            self.ws.scope["state"]["abort"]()
            raise WebSocketDisconnected from None


class StrictHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Closes with 4400 on every malformed message, not only on those that lack a key."""

    async def handle_message(self, message: Message) -> None:
        if _is_well_formed(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Malformed message")


class GraphQLTransport(GraphQL[Context, None]):
    """The endpoint: one URL for queries, mutations and subscriptions."""

    websocket_adapter_class = PatientAdapter  # type: ignore[assignment]
    graphql_transport_ws_handler_class = StrictHandler

    def __init__(self, settings: Settings, services: Callable[[], Services]) -> None:
        self.send_timeout_seconds = settings.stream_send_timeout_ms / 1000
        self._services = services
        super().__init__(
            make_schema(settings),
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(milliseconds=settings.stream_init_timeout_ms),
            max_subscriptions_per_connection=settings.max_streams_per_connection,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except HTTPException as error:
            response = _error_response(error, request)
        await response(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        request_id = str(uuid7())
        structlog.contextvars.bind_contextvars(request_id=request_id)
        return Context(services=self._services(), request_id=request_id)

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        return False

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        response.media_type = _accepted(request)
        return response

    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        if request.method == "POST" and not _is_json(request.content_type or ""):
            raise HTTPException(415, "A request body is application/json in UTF-8.")
        try:
            asked = await super().parse_http_body(request)
        except (UnicodeDecodeError, AttributeError, RecursionError) as error:
            raise HTTPException(400, "A request body is one JSON object.") from error
        if not isinstance(asked, GraphQLRequestData) or not isinstance(
            asked.operation_name, str | None
        ):
            raise HTTPException(400, "`operationName` is a string or null.")
        return asked

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        response = await super().process_result(request, result)
        if isinstance(result, PreExecutionError):
            # Nothing was executed, so there is no `data`, not even null.
            cast("dict[str, object]", response).pop("data", None)
        return response

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        response = super().create_response(response_data, sub_response)
        response.headers["content-type"] = f"{sub_response.media_type}; charset=utf-8"
        if sub_response.media_type == GRAPHQL_RESPONSE and "data" not in response_data:
            response.status_code = 400
        return response


def _accepted(request: Request | WebSocket) -> str:
    return GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in request.headers.get("accept", "") else JSON


def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    return media_type.strip() == JSON and charset in ("", "utf-8", "utf8")


def _error_response(error: HTTPException, request: Request) -> Response:
    status = error.status_code
    if isinstance(error.__cause__, InvalidOperationTypeError):
        status = 405
    response = JSONResponse({"errors": [{"message": error.reason}]}, status_code=status)
    response.headers["content-type"] = f"{_accepted(request)}; charset=utf-8"
    if status == 405:
        response.headers["allow"] = "GET, POST" if request.method not in ("GET", "POST") else "POST"
    return response


def _is_well_formed(message: object) -> bool:
    """Say whether a frame has the shape that graphql-transport-ws gives its type."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return isinstance(message.get("payload"), dict | None)
    id = message.get("id")
    if not isinstance(id, str) or not id:
        return False
    if message["type"] == "complete":
        return True
    payload = message.get("payload")
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
    )
