"""What must hold of the tables whatever was done to them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def gapless(database: AsyncEngine) -> bool:
    """G4: events are numbered 1 … n and the row equals the last one."""
    async with database.connect() as connection:
        wrong = await connection.scalars(
            text("""
            SELECT o.id FROM orders o LEFT JOIN LATERAL (
                SELECT count(*) AS n, max(sequence) AS last,
                    (array_agg(status ORDER BY sequence DESC))[1] AS status,
                    (array_agg(attempt ORDER BY sequence DESC))[1] AS attempt,
                    (array_agg(failure ORDER BY sequence DESC))[1] AS failure,
                    max(occurred_at) AS at
                FROM order_events WHERE order_id = o.id) e ON true
            WHERE (o.sequence, o.sequence, o.status, o.attempts, o.updated_at)
                IS DISTINCT FROM (e.n::int, e.last, e.status, e.attempt, e.at)
                OR o.failure IS DISTINCT FROM e.failure
            """)
        )
        return wrong.all() == []
