"""A client of the GraphQL API: one request over HTTP, a stream over graphql-transport-ws."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from httpx import HTTPError, InvalidURL
from rich.console import Console
from rich.text import Text
from websockets.exceptions import WebSocketException

from cli.process import REFUSED, UNREACHABLE

CatchUp = Callable[[AsyncClientSession], Awaitable[list[dict[str, Any]]]]

_OUTAGES = (TransportError, HTTPError, InvalidURL, WebSocketException, OSError)
_RECONNECT_SECONDS = 0.5
_PATIENCE_SECONDS = 60
"""For how long a broken stream is resumed: a killed api has been seen to take twenty to return."""
_TIMEOUT_SECONDS = 30


class Refused(Exception):
    """The API said no."""

    def __init__(self, errors: list[dict[str, Any]], order: dict[str, Any] | None = None) -> None:
        super().__init__(errors)
        self.errors = errors
        self.order = order


class Unreachable(Exception):
    """The API did not answer."""

    def __init__(self, url: str, reason: BaseException | str) -> None:
        super().__init__(str(reason) or type(reason).__name__)
        self.url = url


async def ask(url: str, document: GraphQLRequest, **variables: Any) -> dict[str, Any]:
    """Return the data of a query or mutation. Raises Refused or Unreachable."""
    try:
        transport = HTTPXAsyncTransport(url, timeout=_TIMEOUT_SECONDS)
        async with Client(transport=transport) as session:
            return dict(await session.execute(_request(document, variables)))
    except TransportQueryError as error:
        raise Refused(_as_user_errors(error)) from None
    except _OUTAGES as error:
        raise Unreachable(url, error) from None


async def change(url: str, document: GraphQLRequest, **variables: Any) -> dict[str, Any]:
    """Return the payload of the document's one field. Raises Refused for its userErrors."""
    (payload,) = (await ask(url, document, **variables)).values()
    if payload["userErrors"]:
        raise Refused(payload["userErrors"], payload.get("order"))
    return dict(payload)


async def follow(
    url: str,
    document: GraphQLRequest,
    variables: Callable[[], dict[str, Any]],
    catch_up: CatchUp | None = None,
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield a subscription's results for ever, subscribing again where a connection broke off.

    `variables` are asked for anew each time, so that they can say where to resume; `catch_up`
    returns what comes before the first, read once subscribed. Raises Refused for what can never be
    followed, and Unreachable after a minute without a connection.
    """
    broken_at, told = None, False
    while True:
        try:
            async with (
                Client(transport=_websocket(url)) as session,
                aclosing(_results(session, _request(document, variables()), catch_up)) as results,
            ):
                async for result in results:
                    broken_at, told = None, True
                    yield result
            reason: BaseException | str = "the server ends the stream"
        except TransportQueryError as error:
            errors = _as_user_errors(error)
            if not told and errors[0]["code"] != "ERROR":
                raise Refused(errors) from None
            reason = errors[0]["message"]
        except _OUTAGES as error:
            reason = error
        # Ctrl-C that meets an error on its way out of the stream arrives here as that error.
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError
        if broken_at is None:
            broken_at = time.monotonic()
            _stderr().print(Text(f"lost {url}: {reason}; trying again", "dim"))
        elif time.monotonic() > broken_at + _PATIENCE_SECONDS:
            raise Unreachable(url, reason)
        await asyncio.sleep(_RECONNECT_SECONDS)


def run(work: Coroutine[Any, Any, int], *, as_json: bool, when_interrupted: int = 0) -> int:
    """Do the work of a command; return its exit status, having said what went wrong."""
    out = _stderr()
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        return when_interrupted
    except Refused as error:
        if as_json:
            out.print(json.dumps({"userErrors": error.errors, "order": error.order}))
            return REFUSED
        for refusal in error.errors:
            where = " " + ".".join(refusal["field"]) if refusal["field"] else ""
            out.print(
                Text(f"refused: {refusal['code']} {refusal['message']}", "red"), where, sep=""
            )
        if error.order:
            out.print(f"order {error.order['id']} is {error.order['status']}")
        return REFUSED
    except Unreachable as error:
        if as_json:
            out.print(json.dumps({"unreachable": error.url, "reason": str(error)}))
        else:
            out.print(Text(f"cannot reach {error.url}: {error}", "red"))
        return UNREACHABLE


async def _results(
    session: AsyncClientSession, request: GraphQLRequest, catch_up: CatchUp | None
) -> AsyncGenerator[dict[str, Any], None]:
    results = session.subscribe(request)
    first = asyncio.ensure_future(anext(results, None))
    try:
        if catch_up:
            await asyncio.sleep(0)  # the subscription is sent before what catches up
            for result in await catch_up(session):
                yield result
        while (event := await first) is not None:
            yield event
            first = asyncio.ensure_future(anext(results, None))
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await results.aclose()


def _stderr() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False, stderr=True)


def _websocket(url: str) -> WebsocketsTransport:
    return WebsocketsTransport(
        "ws" + url.removeprefix("http"),
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )


def _request(document: GraphQLRequest, variables: dict[str, Any]) -> GraphQLRequest:
    return GraphQLRequest(document, variable_values=variables)


def _as_user_errors(error: TransportQueryError) -> list[dict[str, Any]]:
    return [
        {
            "code": problem.get("extensions", {}).get("code", "ERROR"),
            "message": problem.get("message", ""),
            "field": None,  # the path is the answer's, not the input's
        }
        for problem in error.errors or [{"message": str(error)}]
    ]
