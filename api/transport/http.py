"""GraphQL over HTTP and over graphql-transport-ws, where the stock view falls short.

HTTP follows the GraphQL over HTTP specification (graphql.github.io/graphql-over-http): the answer
is `application/graphql-response+json` for those who accept it, and then a request that could not
be executed is a 400. WebSockets speak graphql-transport-ws only, and carry all subscriptions.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from uuid_utils.compat import uuid7

from api.graphql.context import Context, Services
from api.graphql.errors import INTERNAL_ERROR, is_internal, shown
from api.roots.schema import make_schema
from api.transport.operation import load_json, what_is_wrong
from api.transport.pages import graphiql
from api.transport.websocket import PatientAdapter, StrictHandler
from engine.errors import ErrorCode
from wiring.settings import Settings

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"

_ALLOWED = {
    # A link or an image makes a GET: it must change nothing.
    "GET": {OperationType.QUERY},
    "POST": {OperationType.QUERY, OperationType.MUTATION},
}


class GraphQLTransport(GraphQL[Context, None]):
    """The endpoint: one URL for queries, mutations and subscriptions."""

    websocket_adapter_class = PatientAdapter  # type: ignore[assignment]
    graphql_transport_ws_handler_class = StrictHandler

    def __init__(self, settings: Settings, services: Callable[[], Services]) -> None:
        self.send_timeout_seconds = settings.stream_send_timeout_ms / 1000
        self._services = services
        super().__init__(
            make_schema(settings),
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
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        request_id = str(uuid7())
        structlog.contextvars.bind_contextvars(request_id=request_id)
        return Context(services=self._services(), request_id=request_id)

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return True  # nobody else comes as far as this: see api/transport/cors.py

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        accepted = request.headers.get("accept") or ""
        asks_nothing = request.method == "GET" and request.query_params.get("query") is None
        return asks_nothing and "text/html" in accepted

    async def render_graphql_ide(self, request: Request) -> Response:
        return await graphiql(request)

    def decode_json(self, data: str | bytes) -> object:
        return load_json(data)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        if request.method == "GET":
            asked: Any = self.parse_query_params(request.query_params)
        elif _is_json(request.content_type or ""):
            asked = self.parse_json(await request.get_body())
        else:
            raise HTTPException(415, "A request body is application/json in UTF-8.")
        if wrong := what_is_wrong(asked):
            raise HTTPException(400, wrong)
        return GraphQLRequestData(
            query=asked.get("query"),
            variables=asked.get("variables"),
            operation_name=asked.get("operationName"),
            extensions=asked.get("extensions"),
        )

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        try:
            return await self.schema.execute(
                request_data.query,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=_ALLOWED[request.method],
            )
        except MissingQueryError as error:
            raise HTTPException(400, "There is no `query` in the request.") from error
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.MUTATION:
                raise HTTPException(405, "A mutation is sent with POST.") from error
            text = f"A subscription is followed over a WebSocket ({GRAPHQL_TRANSPORT_WS_PROTOCOL})."
            raise HTTPException(400, text) from error

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        errors = [shown(error) for error in result.errors or ()]
        if result.data is None and all(error.path is None for error in errors):
            if any(is_internal(error) for error in errors):
                raise HTTPException(500, INTERNAL_ERROR)
            # Nothing was executed, so there is no `data`, not even null.
            return {"errors": [error.formatted for error in errors]}
        return await super().process_result(request, result)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        response.media_type = _accepted(request)
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
    accept = request.headers.get("accept", "").lower()
    return GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in accept else JSON


def _is_json(content_type: str) -> bool:
    media_type, parameters = parse_content_type(content_type)
    charset = parameters.get("charset", "utf-8")
    return media_type.lower() == JSON and charset.lower() in ("utf-8", "utf8")


def _error_response(error: HTTPException, request: Request) -> Response:
    code = ErrorCode.INTERNAL if error.status_code >= 500 else ErrorCode.BAD_REQUEST
    body = {"errors": [{"message": error.reason, "extensions": {"code": code}}]}
    response = JSONResponse(body, error.status_code)
    response.headers["content-type"] = f"{_accepted(request)}; charset=utf-8"
    if error.status_code == 405:
        response.headers["allow"] = "POST" if request.method == "GET" else "GET, POST"
    return response
