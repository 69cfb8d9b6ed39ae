"""The commands. Each imports what it needs when it runs, so that --help is quick."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import market_commands, order_commands
from cli.process import UNREACHABLE, read_settings, spare_the_collector

if TYPE_CHECKING:
    from wiring.settings import Settings

app = typer.Typer(
    name="order-engine",
    help="Order execution engine and local Solana swap devnet.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(order_commands.app)
app.add_typer(market_commands.app)


@app.command()
def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the embedded servers keep their data.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=64)] = 1,
) -> None:
    """Run everything on this machine: Postgres, Redis, migrations, api, worker, clock."""
    from cli.stack.up import CannotStart, run_stack

    settings = read_settings("up")
    given = {"host": host, "port": port, "data_dir": data_dir}
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        asyncio.run(run_stack(settings.model_copy(update=changes), workers=workers))
    except CannotStart as error:
        typer.echo(f"order-engine up: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def api() -> None:
    """Serve GraphQL over HTTP and WebSocket."""
    settings = read_settings("api")
    from api.server import run_api

    _with_servers(settings)
    spare_the_collector()
    run_api(settings)


@app.command()
def worker() -> None:
    """Route, submit and confirm orders."""
    settings = read_settings("worker")
    _with_servers(settings)
    from tasks.worker import run_worker

    spare_the_collector()
    run_worker(settings)


@app.command()
def clock() -> None:
    """Send the periodic work; of several clocks one ticks."""
    settings = read_settings("clock")
    _with_servers(settings)
    from tasks.clock import run_clock

    asyncio.run(run_clock(settings))


@app.command()
def migrate() -> None:
    """Bring the database at DATABASE_URL to the newest migration."""
    settings = read_settings("migrate")
    from models.database import is_outage
    from models.migrate import upgrade
    from wiring.settings import InvalidSettings

    try:
        upgrade(settings.require_database_url)
    except InvalidSettings as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREACHABLE) from None
    except Exception as error:
        if not is_outage(error):
            raise
        typer.echo(f"cannot use Postgres at DATABASE_URL: {error}", err=True)
        raise typer.Exit(UNREACHABLE) from None


@app.command("venue-check")
def venue_check(
    name: Annotated[str, typer.Argument(help="The venue's entry point, e.g. raydium.")],
    pair: Annotated[str, typer.Option(help="Two tokens it trades, the paid one first.")] = (
        "SOL/USDC"
    ),
    amount: Annotated[str, typer.Option(help="How much each swap pays, in whole units.")] = "0.1",
    patience_seconds: Annotated[
        int, typer.Option(help="How long a promise may take to be kept.", min=1)
    ] = 120,
    real_money: Annotated[
        bool, typer.Option("--real-money", help="Let a venue that is not simulated swap.")
    ] = False,
) -> None:
    """Check that a venue keeps the protocol's promises. It needs no stack to run.

    Exit status: 0 all kept, 1 one is broken, 2 the venue cannot be checked.
    """
    settings = read_settings("venue-check")
    from cli.venue_check.command import CannotCheck, Terms, check_venue, show, swap_of

    try:
        terms = Terms(name, swap_of(pair, amount), patience_seconds, real_money)
        verdicts = check_venue(terms, settings)
    except CannotCheck as error:
        typer.echo(f"order-engine venue-check: {error}", err=True)
        raise typer.Exit(UNREACHABLE) from None
    show(verdicts)
    raise typer.Exit(int(any(verdict.broken for verdict in verdicts)))


@app.command("export-schema")
def export_schema(
    check: Annotated[
        Path | None, typer.Option(help="Compare with this file instead; 1 if it is stale.")
    ] = None,
) -> None:
    """Print the GraphQL schema."""
    from api.roots.schema import schema

    sdl = schema.as_str() + "\n"
    if check is None:
        typer.echo(sdl, nl=False)
    elif check.read_text() != sdl:
        typer.echo(f"{check} is stale: order-engine export-schema > {check}", err=True)
        raise typer.Exit(1)


def _with_servers(settings: "Settings") -> None:
    from wiring.settings import InvalidSettings

    try:
        _ = settings.require_database_url, settings.require_redis_url
    except InvalidSettings as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREACHABLE) from None
