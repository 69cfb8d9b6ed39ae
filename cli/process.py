"""What every command does first: read the settings, or end with the list of what is wrong."""

import gc
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from wiring.settings import Settings

REFUSED, UNREACHABLE, INTERRUPTED = 1, 2, 130


def read_settings(process: str) -> "Settings":
    """Return the settings and set up logs, or end with the list of what is wrong."""
    from wiring.logs import configure_logs
    from wiring.settings import InvalidSettings, get_settings

    try:
        settings = get_settings()
    except InvalidSettings as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREACHABLE) from None
    configure_logs(settings, process=process)
    return settings


def spare_the_collector() -> None:
    """Let garbage be looked for among our objects only: call it once everything is imported.

    Looking at all the libraries' objects too cost a seventh of the throughput and most of the
    slowest answers, at the default of once every 700 new objects (bench/orders.py). A full look
    is cheap without them and so comes after 100,000 objects more than went, not after a million:
    until then the remains of closed connections stay.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 5, 2)


def api_address(given: str | None) -> str:
    """Return where the API is: as given, or as the settings of this machine's stack say."""
    if given:
        return given
    return f"http://{own_address(read_settings('client'))}/graphql"


def own_address(settings: "Settings") -> str:
    """Return where this machine reaches what listens as the settings say, as host and port."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
