"""Structured logs: one event name plus fields, readable in a terminal or as JSON lines."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from wiring.settings import Settings

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(settings: Settings, *, process: str) -> None:
    """Send the logs of this process, and of the libraries in it, to standard error."""

    def said_by(logger: Any, method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared = [said_by, *_SHARED]
    renderer: Processor
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    for chatty in ("uvicorn", "dramatiq", "alembic", "httpx", "gql", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # api.graphql.errors logs each internal error once, with the request it belongs to.
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> Any:
    """Return the module's logger: ``log.info("order.accepted", order_id=...)``."""
    return structlog.stdlib.get_logger(name)
