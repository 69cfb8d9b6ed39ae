"""The baseline: what Postgres alone makes of the five statements in an order's life.

order.pgbench holds them; nothing but pgbench, which is in C, stands in front of Postgres.
"""

import asyncio
import re
from pathlib import Path

from bench.stack import BenchFailed, Servers
from bench.witness import count_orders
from cli.stack.binaries import postgres_binaries

_SCRIPT = Path(__file__).parent / "order.pgbench"


async def orders_per_second(
    servers: Servers, database: str, *, clients: int, seconds: int
) -> float:
    """Return how many orders a second pgbench takes through their life, in a new database."""
    await servers.create_database(database)
    process = await asyncio.create_subprocess_exec(
        str(postgres_binaries() / "pgbench"),
        *("--no-vacuum", "--protocol=prepared", "--jobs=2"),
        *(f"--client={clients}", f"--time={seconds}", f"--file={_SCRIPT}"),
        *(f"--host={servers.socket_directory}", "--username=postgres", database),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    said = output.decode(errors="replace")
    rate = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    done = re.search(r"actually processed: (\d+)", said)
    if process.returncode != 0 or rate is None or done is None:
        raise BenchFailed(f"pgbench failed:\n{said}")
    confirmed = await count_orders(servers.database_url(database), "CONFIRMED")
    if confirmed < int(done.group(1)):
        raise BenchFailed(f"pgbench says {done.group(1)} orders, Postgres says {confirmed}")
    return float(rate.group(1))
