"""Whether this process is alive, and whether it can serve: /health/live and /health/ready."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import JSONResponse, Response

from models.database import migrated_to
from models.migrate import migration_head
from wiring.updates import Updates

_CHECK_SECONDS = 3


class Unwell(Exception):
    """A part this process needs is not well; the message says what is wrong."""


class Health:
    """Checks Postgres, Redis, the pub/sub listener and the migrations, and names the one unwell."""

    def __init__(self, database: AsyncEngine, redis: Redis, updates: Updates) -> None:
        self._database = database
        self._redis = redis
        self._updates = updates
        self._head = migration_head()

    async def live(self) -> Response:
        """Answer 200 for as long as the event loop turns."""
        return JSONResponse({"status": "ok"})

    async def ready(self) -> Response:
        """Answer 200 when all is well, else 503; either way say how each part is."""
        checks: dict[str, Callable[[], Awaitable[None]]] = {
            "postgres": self._postgres,
            "redis": self._redis_answers,
            "updates": self._updates_listen,
        }
        said = await asyncio.gather(*(_say(check) for check in checks.values()))
        parts = dict(zip(checks, said, strict=True))
        well = all(word == "ok" for word in said)
        body = {"status": "ok" if well else "unwell", **parts}
        return JSONResponse(body, status_code=200 if well else 503)

    async def _postgres(self) -> None:
        at = await migrated_to(self._database)
        if at != self._head:
            raise Unwell(f"migration {at or 'none'}, needs {self._head}: order-engine migrate")

    async def _redis_answers(self) -> None:
        await self._redis.ping()

    async def _updates_listen(self) -> None:
        if not self._updates.listening:
            raise Unwell("not subscribed")


async def _say(check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except Unwell as error:
        return str(error)
    except Exception as error:
        # Whatever a driver raises, the part is unwell; its text may hold addresses, its name not.
        return f"unreachable ({type(error).__name__})"
    return "ok"
