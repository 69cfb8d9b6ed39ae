"""What clients ask of the API, and the connections they ask over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gql import Client, GraphQLRequest, gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

_ANSWER_SECONDS = 6
MARKET = gql("""
mutation Place($input: ExecuteMarketOrderInput!) {
  placed: executeMarketOrder(input: $input) { order { id } userErrors { code retryAfterMs } }
}
""").document
LIMIT = gql("""
mutation Place($input: PlaceLimitOrderInput!) {
  placed: placeLimitOrder(input: $input) { order { id } userErrors { code retryAfterMs } }
}
""").document
READ = gql("""
query Read($id: ID!) { order(id: $id) { id status } }
""").document
CANCEL = gql("""
mutation Cancel($id: ID!) {
  cancelOrder(orderId: $id) { order { id status } userErrors { code } }
}
""").document
FOLLOW = gql("""
subscription Follow($id: ID!, $after: Int) {
  orderStatus(orderId: $id, after: $after) { sequence status attempt occurredAt isLive }
}
""").document


class Mutations:
    """One client over HTTP that is opened anew after an error."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: Any = None
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    async def execute(self, request: GraphQLRequest) -> dict[str, Any]:
        async with self._opening:
            if self._session is None:
                transport = HTTPXAsyncTransport(self._url, timeout=_ANSWER_SECONDS, trust_env=False)
                self._client = Client(transport=transport)
                self._session = await self._client.connect_async()
        return dict(await self._session.execute(request))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close_async()


@asynccontextmanager
async def subscribing(url: str) -> AsyncIterator[Any]:
    """Open a WebSocket that notices within seconds when the other end has gone silent."""
    transport = WebsocketsTransport(
        "ws" + url.removeprefix("http"),
        subprotocols=["graphql-transport-ws"],
        connect_timeout=5,
        close_timeout=0.5,
        ack_timeout=5,
        ping_interval=2,
        pong_timeout=4,
        connect_args={"compression": None, "proxy": None, "ping_interval": None},
    )
    async with Client(transport=transport) as session:
        yield session
