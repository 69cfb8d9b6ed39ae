"""The event loop of the processes that are ours to start."""

import asyncio


def use_fast_loop() -> None:
    """Let loops made from now on be uvloop's, where it is installed; everything works without."""
    try:
        import uvloop
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
