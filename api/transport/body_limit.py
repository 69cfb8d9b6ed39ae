"""A cap on request bodies: what is longer is refused before it is read, let alone parsed."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import ErrorCode


class BodyTooLong(Exception):
    """More of a body arrived than is allowed."""


class BodyLimit:
    """Answer 413 to HTTP bodies over `max_bytes`, announced or not."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise BodyTooLong
            return message

        try:
            if self._announced(scope) > self._max_bytes:
                raise BodyTooLong
            await self._app(scope, receive_some, send)
        except BodyTooLong:
            text = f"A request body is at most {self._max_bytes} bytes."
            error = {"message": text, "extensions": {"code": ErrorCode.BAD_REQUEST}}
            await JSONResponse({"errors": [error]}, 413)(scope, receive, send)

    def _announced(self, scope: Scope) -> int:
        length = dict(scope["headers"]).get(b"content-length", b"")
        return int(length) if length.isdigit() else 0
