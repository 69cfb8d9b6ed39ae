"""The commands. Each imports what it needs when it runs, so that --help is quick."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.logs import configure_logs
from engine.settings import InvalidSettings, Settings, get_settings

app = typer.Typer(
    name="order-engine",
    help="Order execution engine and local Solana swap devnet.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

REFUSED, UNREACHABLE = 1, 2


def _settings(process: str) -> Settings:
    """Return the settings and set up logs, or end with the list of what is wrong."""
    try:
        settings = get_settings()
    except InvalidSettings as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREACHABLE) from None
    configure_logs(settings, process=process)
    # Each collection looks at all the libraries' objects: the default of one every 700 new
    # objects costs a seventh of the throughput and most of the slowest answers (bench/orders.py).
    gc.set_threshold(10_000, 10, 10)
    return settings


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
    from cli.up import CannotStart, run_stack

    settings = _settings("up")
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
    settings = _settings("api")
    from api.server import run_api

    _with_servers(settings)
    run_api(settings)


@app.command()
def worker() -> None:
    """Route, submit and confirm orders."""
    settings = _settings("worker")
    _with_servers(settings)
    from tasks.worker import run_worker

    run_worker(settings)


@app.command()
def clock() -> None:
    """Send the periodic work; of several clocks one ticks."""
    settings = _settings("clock")
    _with_servers(settings)
    from tasks.clock import run_clock

    asyncio.run(run_clock(settings))


@app.command()
def migrate() -> None:
    """Bring the database at DATABASE_URL to the newest migration."""
    settings = _settings("migrate")
    from models.database import is_outage
    from models.migrate import upgrade

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


@app.command()
def order(
    token_in: Annotated[str, typer.Argument(help="Symbol or mint of the token paid, e.g. SOL.")],
    token_out: Annotated[str, typer.Argument(help="Symbol or mint of the token bought.")],
    amount: Annotated[str, typer.Argument(help="How much is paid, in whole units, e.g. 1.5.")],
    url: Annotated[str | None, typer.Option(help="The API's address.")] = None,
    slippage_bps: Annotated[int, typer.Option(help="How far below the quote a fill may be.")] = 50,
    min_amount_out: Annotated[str | None, typer.Option(help="The least to receive.")] = None,
    venue: Annotated[list[str] | None, typer.Option(help="Only this venue; repeatable.")] = None,
    split: Annotated[bool, typer.Option(help="Whether to divide it among venues.")] = True,
    simulate: Annotated[
        list[str] | None,
        typer.Option(
            help="A fault to inject, e.g. quote-failures=2; repeatable. Also quote-timeouts, "
            "dropped-transactions, slippage-failures and extra-latency-ms."
        ),
    ] = None,
    client_order_id: Annotated[str | None, typer.Option(help="Your own id for the order.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")] = False,
) -> None:
    """Place a market order and follow it to its end.

    Exit status: 0 confirmed, 1 failed or refused, 2 the server cannot be reached.
    """
    from cli.order import JsonLines, Lines, place_and_follow

    asked = {
        "tokenIn": token_in,
        "tokenOut": token_out,
        "amount": amount,
        "slippageBps": slippage_bps,
        "minAmountOut": min_amount_out,
        "venues": venue or None,
        "allowSplit": split,
        "simulate": _faults(simulate) if simulate else None,
        "clientOrderId": client_order_id,
    }
    address = url or _default_url()
    sys.exit(asyncio.run(place_and_follow(asked, address, JsonLines() if json else Lines())))


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
    settings = _settings("venue-check")
    from cli.venue_check import CannotCheck, Terms, check_venue, show, swap_of

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
    from api.schema import schema

    sdl = schema.as_str() + "\n"
    if check is None:
        typer.echo(sdl, nl=False)
    elif check.read_text() != sdl:
        typer.echo(f"{check} is stale: order-engine export-schema > {check}", err=True)
        raise typer.Exit(1)


def _faults(simulate: list[str]) -> dict[str, int]:
    """Return the API's input for options such as ``quote-failures=2``."""
    faults: dict[str, int] = {}
    for option in simulate:
        name, _, count = option.partition("=")
        first, *rest = name.split("-")
        if not count.isdigit():
            raise typer.BadParameter(f"{option!r} is not of the form quote-failures=2")
        faults[first + "".join(word.capitalize() for word in rest)] = int(count)
    return faults


def _default_url() -> str:
    settings = _settings("order")
    return f"http://{settings.host}:{settings.port}/graphql"


def _with_servers(settings: Settings) -> None:
    try:
        _ = settings.require_database_url, settings.require_redis_url
    except InvalidSettings as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNREACHABLE) from None
