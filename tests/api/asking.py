"""Ask an application in this process the way a client would."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette

from api.app import create_app
from api.graphql.context import Services
from wiring.settings import Settings


class Asking:
    """A client, and a look behind the curtain at what its requests left in the stores."""

    def __init__(self, client: httpx.AsyncClient, app: Starlette) -> None:
        self._client = client
        self._app = app

    @property
    def services(self) -> Services:
        return self._app.state.services

    def change(self, **services: Any) -> None:
        """Let other services take the place of the application's own."""
        self._app.state.services = dataclasses.replace(self.services, **services)

    async def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the whole answer."""
        answer = await self._client.post("/graphql", json={"query": query, "variables": variables})
        return answer.json()

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an answer that must have no errors."""
        answer = await self(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[Asking]:
    app = create_app(settings)
    async with app.router.lifespan_context(app), in_process(app) as client:
        yield Asking(client, app)


def in_process(app: object) -> httpx.AsyncClient:
    """A client of an application in this process and on this event loop."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")
