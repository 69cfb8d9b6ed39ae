"""The conformance suite: hold one venue to the protocol's promises, on a devnet of its own."""

import asyncio
import inspect
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dramatiq.brokers.stub import StubBroker
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.stack.binaries import ServerNotStarted
from cli.stack.embedded import embedded_servers
from cli.stack.private import NotOurs
from cli.venue_check.quote_promises import QUOTE_PROMISES
from cli.venue_check.swap_promises import SWAP_PROMISES
from cli.venue_check.trial import Broken, Promise, Trial
from engine.amounts import parse_amount
from engine.errors import EngineError
from engine.swaps.swap import Swap
from engine.tokens import GENESIS
from engine.venues.guarded import unguarded
from engine.venues.venue import Venue
from models.devnet.slots import SlotRunner
from models.migrate import upgrade
from wiring.plugins import VenueNotLoaded
from wiring.resources import open_resources
from wiring.settings import Settings

PROMISES = (*QUOTE_PROMISES, *SWAP_PROMISES)

# A devnet that is quick, holds still and injects nothing, whatever the settings around it say.
_DEVNET = {
    "slot_ms": 20,
    "quote_latency_ms": 0,
    "validity_slots": 150,
    "quote_validity_slots": 1_000,
    "market_moves": False,
    "venue_faults": {},
}


class CannotCheck(Exception):
    """The venue cannot be put on trial; the message says why."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a venue is tried with."""

    name: str
    swap: Swap
    patience_seconds: int
    real_money: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise in words, and why it is broken; None where it is kept."""

    promise: str
    broken: str | None


def swap_of(pair: str, amount: str) -> Swap:
    """Return the swap that ``SOL/USDC`` and ``0.1`` mean. Raises CannotCheck."""
    paid, _, bought = pair.partition("/")
    try:
        token_in, token_out = GENESIS.find(paid), GENESIS.find(bought)
        return Swap(token_in, token_out, parse_amount(amount, token_in))
    except EngineError as error:
        raise CannotCheck(str(error)) from None


def check_venue(terms: Terms, settings: Settings) -> list[Verdict]:
    """Try the venue on servers that live as long as the trial does. Raises CannotCheck."""
    with tempfile.TemporaryDirectory(prefix="order-engine-check-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # run by root, Postgres is another user, who must pass
        try:
            with embedded_servers(directory / "servers") as (database_url, redis_url):
                address = database_url.partition("://")[2]
                own = {
                    "database_url": f"postgresql+asyncpg://{address}",
                    "redis_url": redis_url,
                    "data_dir": directory / "data",
                    "venues": [terms.name],
                }
                settings = settings.model_copy(update={**_DEVNET, **own})
                upgrade(settings.require_database_url)
                return asyncio.run(_try(terms, settings))
        except (ServerNotStarted, NotOurs, VenueNotLoaded) as error:
            raise CannotCheck(str(error)) from None


def require_consent(venue: Venue, terms: Terms) -> None:
    """Raise CannotCheck where the check would move something of value unasked."""
    if not venue.simulated and not terms.real_money:
        raise CannotCheck(
            f"{venue.name} is not simulated: the check would swap with real money, twice. "
            "Say --real-money to let it, and choose a small --amount."
        )


def show(verdicts: Sequence[Verdict]) -> None:
    """Print what was promised and what was kept."""
    table = Table("promise", "result", "why")
    for verdict in verdicts:
        kept = verdict.broken is None
        result = "[green]ok[/]" if kept else "[bold red]failed[/]"
        table.add_row(verdict.promise, result, escape(verdict.broken or ""))
    Console(highlight=False).print(table)


async def _try(terms: Terms, settings: Settings) -> list[Verdict]:
    async with open_resources(settings, StubBroker()) as resources:
        [venue] = map(unguarded, resources.venues)
        require_consent(venue, terms)
        trial = Trial(venue, terms.name, terms.swap, settings.quote_timeout_ms)
        async with _running(resources.slots, settings.slot_ms):
            return [await _judge(promise, trial, terms) for promise in PROMISES]


async def _judge(promise: Promise, trial: Trial, terms: Terms) -> Verdict:
    says = inspect.getdoc(promise) or promise.__name__
    try:
        async with asyncio.timeout(terms.patience_seconds):
            await promise(trial)
    except Broken as broken:
        return Verdict(says, str(broken))
    except EngineError as error:
        return Verdict(says, f"{error.code}: {error}")
    except TimeoutError:
        return Verdict(says, f"not within {terms.patience_seconds} s")
    except Exception as error:  # whatever a venue raises that it should not
        return Verdict(says, f"a bug: {error!r}")
    return Verdict(says, None)


@asynccontextmanager
async def _running(slots: SlotRunner, slot_ms: int) -> AsyncIterator[None]:
    """Run the devnet's slots as the clock and the workers would."""

    async def run() -> None:
        while True:
            await slots.run()
            await asyncio.sleep(slot_ms / 1000)

    runner = asyncio.create_task(run())
    try:
        yield
    finally:
        runner.cancel()
        with suppress(asyncio.CancelledError):
            await runner
