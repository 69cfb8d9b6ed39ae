"""What is told to browsers about pages of other origins, by the Fetch standard, and enforced."""

from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.transport.origins import Origins
from api.transport.refusal import refuse

_METHODS = "GET, POST"
_HEADERS = {"authorization", "content-type"}
_SECONDS = 7_200  # the longest that Chromium keeps it
_OURS_ALONE = "/static/"  # what only our pages load: the same for everybody, in every cache


class Cors:
    """Answer 403 to pages that are not let in, WebSockets too, and let the others read answers.

    A browser asks beforehand only about some requests; to others it merely hides the answer. So
    a request of a page that is not let in is refused before it does anything. No credentials are
    allowed, for none are kept by browsers: a key is sent in a header.
    """

    def __init__(self, app: ASGIApp, *, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif not self._origins.let_in(scope):
            text = "Pages of this origin are not let in. ORDER_ENGINE_ALLOWED_ORIGINS names others."
            sender = send if scope["type"] == "websocket" else self._telling(send, None)
            await refuse(scope, receive, sender, HTTPStatus.FORBIDDEN, text)
        elif scope["type"] == "websocket" or scope["path"].startswith(_OURS_ALONE):
            await self._app(scope, receive, send)
        else:
            origin = self._origins.of(scope)
            told = self._telling(send, origin)
            if origin is not None and _is_preflight(scope):
                await _answer(scope)(scope, receive, told)
            else:
                await self._app(scope, receive, told)

    def _telling(self, send: Send, origin: str | None) -> Send:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if origin is not None:
                    headers["access-control-allow-origin"] = origin
            await send(message)

        return tell


def _is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope)


def _answer(scope: Scope) -> Response:
    asked = Headers(scope=scope)
    # Clients have headers of their own, to trace with for one; an allowed page may send any.
    wanted = asked.get("access-control-request-headers", "").lower().replace(" ", "").split(",")
    headers = {
        "access-control-allow-methods": _METHODS,
        "access-control-allow-headers": ", ".join(sorted({*wanted, *_HEADERS} - {""})),
        "access-control-max-age": str(_SECONDS),
    }
    if asked.get("access-control-request-private-network") == "true":
        headers["access-control-allow-private-network"] = "true"
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
