"""The pages: the trading desk and GraphiQL as built into api/static/, else one plain page.

Which of them is there is looked up for every request, so a page that was just built is served.
"""

import html
import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

_BUILT = Path(__file__).parents[1] / "static"
_PLAIN = Path(__file__).parents[1] / "plain"
_NO_REASON = "The pages were not built: they are made by `make install` or `make pages`."

_HEADERS = {"cache-control": "no-cache"}


async def desk(request: Request) -> Response:
    """Return the trading desk."""
    return _page("index.html")


async def graphiql(request: Request) -> Response:
    """Return GraphiQL."""
    return _page("graphiql.html")


async def without_slash(request: Request) -> Response:
    """Lead `/graphql/` to `/graphql`, without a word about the host that was asked for."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/graphql{query}")


def why_not_built() -> str | None:
    """Say why there is only the plain page, None where the pages are there."""
    if all((_BUILT / name).is_file() for name in ("index.html", "graphiql.html")):
        return None
    try:
        return (_BUILT / "not-built.txt").read_text().strip()
    except FileNotFoundError:
        return _NO_REASON


class Assets(StaticFiles):
    """What pages load. Names hold a hash of the content, so they are kept for good."""

    def __init__(self) -> None:
        super().__init__(directory=_PLAIN)
        self.all_directories.append(_BUILT)  # which may be there later, or never

    def file_response(
        self,
        full_path: PathLike,
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        packed = f"{os.fspath(full_path)}.gz"
        as_packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if as_packed and os.path.exists(packed):
            full_path, stat_result = packed, os.stat(packed)
        else:
            as_packed = False
        response = super().file_response(full_path, stat_result, scope, status_code)
        if as_packed:
            response.headers["content-encoding"] = "gzip"
        hashed = scope["path"].startswith("/static/assets/")
        response.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if hashed else "no-cache"
        )
        response.headers["vary"] = "accept-encoding"
        return response


def _page(name: str) -> Response:
    reason = why_not_built()
    if reason is None:
        return FileResponse(_BUILT / name, headers=_HEADERS)
    text = (_PLAIN / "plain.html").read_text()
    return HTMLResponse(text.replace("{{reason}}", html.escape(reason)), headers=_HEADERS)
