"""Open a pool on the devnet, and tell who waits for it."""

from api.graphql.context import Info
from api.graphql.inputs import LaunchPoolInput
from api.graphql.pool_types import LaunchPoolPayload, Pool
from api.graphql.types import UserError
from engine.errors import EngineError


async def launch(input: LaunchPoolInput, info: Info) -> LaunchPoolPayload:
    """Open the pool between two slots: from the next one on it trades."""
    services = info.context.services
    try:
        pool = input.to_pool((await services.pools.book()).tokens)
        await services.pools.launch(pool)
    except EngineError as error:
        return not_launched(error)
    book = await services.pools.book()
    await services.updates.publish_pools(book.slot, [pool.id])
    return LaunchPoolPayload(pool=Pool.from_engine(pool, info), user_errors=[])


def not_launched(error: EngineError) -> LaunchPoolPayload:
    """Return the payload of a refusal."""
    return LaunchPoolPayload(pool=None, user_errors=[UserError.from_engine(error)])
