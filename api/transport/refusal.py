"""The answer to a request that is not let in, over HTTP and in place of a WebSocket alike."""

from http import HTTPStatus

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from engine.errors import ErrorCode


async def refuse(
    scope: Scope, receive: Receive, send: Send, status: HTTPStatus, message: str
) -> None:
    """Answer with a status and one error, as GraphQL's clients expect to read it."""
    error = {"message": message, "extensions": {"code": ErrorCode.FORBIDDEN}}
    await JSONResponse({"errors": [error]}, status)(scope, receive, send)
