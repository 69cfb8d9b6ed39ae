"""A process told to stop ends its streams, in time."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time

import httpx

from models.orders.store import OrderStore
from tests.api.live_server import (
    PATIENCE_SECONDS,
    DeafClient,
    acknowledged_by,
    closed,
    order_status,
    receive,
    send,
)
from tests.factories import accepted
from wiring.settings import Settings


async def test_sigterm_ends_the_process_in_time_and_streams_with_1012(
    module_settings: Settings, store: OrderStore
) -> None:
    order = await accepted(store)
    address = free_address()
    environment = os.environ | {
        "DATABASE_URL": module_settings.require_database_url,
        "ORDER_ENGINE_PORT": str(address[1]),
    }
    api = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "api"), env=environment
    )
    try:
        await ready(address)
        async with acknowledged_by(address) as client, acknowledged_by(address) as idle:
            with DeafClient(address) as deaf:
                await asyncio.to_thread(deaf.ask_for_more_than_fits)
                await send(client, *(order_status(order.id, id=str(n)) for n in range(50)))
                for _ in range(50):
                    await receive(client)

                asked_at = time.monotonic()
                api.send_signal(signal.SIGTERM)
                codes = [(await closed(client))[0], (await closed(idle))[0]]
                closed_after = time.monotonic() - asked_at
                await asyncio.wait_for(api.wait(), PATIENCE_SECONDS)
                ended_after = time.monotonic() - asked_at
    finally:
        if api.returncode is None:
            api.kill()
            await api.wait()

    assert codes == [1012, 1012]
    assert closed_after < 1
    assert ended_after < 3


def free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
        return host, port


async def ready(address: tuple[str, int]) -> None:
    """Return once an API answers there that all it needs is well."""
    host, port = address
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"http://{host}:{port}/health/ready")).is_success:
                    return
            await asyncio.sleep(0.05)
