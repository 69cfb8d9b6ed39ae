"""Open a pool on the devnet, and tell who waits for it."""

from api.graphql.context import Info
from api.graphql.inputs import LaunchPoolInput
from api.graphql.pool_types import LaunchPoolPayload, Pool
from api.graphql.types import UserError
from engine.devnet.launch import validate_launch
from engine.errors import EngineError, ErrorCode


async def launch(input: LaunchPoolInput, info: Info) -> LaunchPoolPayload:
    """Open the pool between two slots: from the next one on it trades."""
    services = info.context.services
    try:
        await services.ledger.book()  # know the tokens launched so far
        pool = validate_launch(
            venue=input.venue,
            mint=input.mint,
            symbol=input.symbol,
            decimals=input.decimals,
            quote_token=input.quote_token,
            reserve=input.reserve,
            quote_reserve=input.quote_reserve,
        )
        if not await services.pools.launch(pool):
            raise EngineError(
                ErrorCode.UNSUPPORTED_PAIR,
                f"There is a pool {pool.id} already.",
                field=("input", "symbol"),
            )
    except EngineError as error:
        return not_launched(error)
    book = await services.ledger.book()
    await services.updates.publish_pools(book.slot, [pool.id])
    return LaunchPoolPayload(pool=Pool.from_engine(pool, info), user_errors=[])


def not_launched(error: EngineError) -> LaunchPoolPayload:
    """Return the payload of a refusal."""
    return LaunchPoolPayload(pool=None, user_errors=[UserError.from_engine(error)])
