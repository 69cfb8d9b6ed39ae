"""The schema as text, for the tools of clients: GET /schema.graphql."""

from functools import cache

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.roots.schema import schema


async def schema_text(request: Request) -> Response:
    """Return the schema in GraphQL's own language, as `order-engine export-schema` prints it."""
    return PlainTextResponse(_text())


@cache
def _text() -> str:
    return schema.as_str() + "\n"
