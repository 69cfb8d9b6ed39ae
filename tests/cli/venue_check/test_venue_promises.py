"""Every promise of the conformance suite is kept by the walk-through's venue, and can be broken."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.venue_check.quote_promises import QUOTE_PROMISES
from cli.venue_check.swap_promises import SWAP_PROMISES
from cli.venue_check.trial import Broken, Trial
from engine.swaps.swap import Swap
from engine.tokens import SOL, USDC
from wiring.plugins import VenueContext
from wiring.settings import get_settings

PROMISES = {promise.__name__: promise for promise in (*QUOTE_PROMISES, *SWAP_PROMISES)}
SLOW = {"late_transactions_are_dead", "outcomes_are_final"}  # tests/e2e/test_venue_plugin.py

WRONG = [
    ("it_is_named", '"desk", "The Desk"', '"a desk", "The Desk"', "the id is 'a desk'"),
    ("it_is_named", '"The Desk", True', '"", True', "the name is empty"),
    ("it_is_healthy", "return True", "return None", "healthy() is not True"),
    (
        "it_knows_what_it_trades",
        "return (token_in, token_out) == (SOL, USDC)",
        "return True",
        "it trades a token that does not exist",
    ),
    (
        "what_it_does_not_trade_has_no_route",
        "ErrorCode.NO_ROUTE",
        "ErrorCode.VENUE_REJECTED",
        "the code for NOBODYS is VENUE_REJECTED",
    ),
    (
        "what_it_does_not_trade_has_no_route",
        "if not await self.trades(swap.token_in, swap.token_out):",
        "if False:",
        "it quotes NOBODYS, which it says it does not trade",
    ),
    ("quotes_are_exact", "151 // 1_000  #", "151 / 1_000  #", "amounts and fee are not all of"),
    ("quotes_are_exact", "price(paid, SOL, out, USDC)", "Decimal(150)", "the price is 150"),
    ("quotes_are_exact", "paid, out, 0, price", "paid + 1, out, 0, price", "it is for 100000001"),
    ("routes_add_up", "share_bps=10_000", "share_bps=9_999", "come to 9999 of 10000 bps"),
    ("routes_add_up", "amount_out=out, fee", "amount_out=out - 1, fee", "the route returns"),
    ("routes_add_up", "token_out=USDC.mint", "token_out=SOL.mint", "the route ends with"),
    ("more_buys_no_less", "swap.amount_in * 151 //", "10**19 // swap.amount_in //", "get"),
    ("depth_has_an_end", "if not 0 < out <= 100_000 * 10**6:", "if False:", "no worse price"),
    (
        "refusals_are_typed",
        '"It buys SOL for USDC.", venue=self.id',
        '"It buys SOL for USDC."',
        "NO_ROUTE names the venue None",
    ),
    ("signatures_are_of_bytes", "memo, nonce, last_slot", '"", nonce, last_slot', "another memo"),
    ("signatures_are_of_bytes", "memo, nonce, last_slot", "memo, 1, last_slot", "another nonce"),
    ("building_sends_nothing", "time()) + 5", "time()) - 5", "it was valid until slot"),
    (
        "statuses_come_in_bulk",
        "SELECT * FROM swaps WHERE signature IN (SELECT value FROM json_each(?))",
        "SELECT value, 1, 1 FROM json_each(?)",
        "it knows 256 signatures nobody ever signed",
    ),
    ("slots_pass", "lambda: int(time.time())", "lambda: -int(time.time())", "the slot fell from"),
    (
        "a_swap_is_confirmed",
        "State.CONFIRMED, out, fee=0",
        "State.CONFIRMED, out - 10**7, fee=0",
        "below the floor of",
    ),
    (
        "a_swap_is_confirmed",
        "swap.min_amount_out else None",
        "10**30 else None",
        "it ended REVERTED",
    ),
    ("sending_again_changes_nothing", "INSERT OR IGNORE", "INSERT", "is refused with VENUE_UNAV"),
    ("floors_hold", "out if out >= swap.min_amount_out else None", "out", "below the floor of"),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Trial]]:
    """Put the walk-through's venue on trial, with one change."""
    opened = []

    def desk(old: str = "", new: str = "") -> Trial:
        document = Path("docs/venues.md").read_text()
        [source] = re.findall(r"^```python\n(.*?)^```$", document, re.S | re.M)
        assert old in source
        module: dict[str, type] = {}
        exec(source.replace(old, new, 1), module)  # noqa: S102 - our own document
        settings = get_settings().model_copy(update={"data_dir": tmp_path})
        venue = module["Desk"](VenueContext(settings, ledger=None))
        opened.append(venue.db)
        return Trial(venue, "desk", Swap(SOL, USDC, 10**8), quote_timeout_ms=1_000)

    yield desk
    for db in opened:
        db.close()


@pytest.mark.parametrize("name", sorted(PROMISES.keys() - SLOW))
async def test_the_walk_through_keeps_each_promise(desk: Callable[..., Trial], name: str) -> None:
    await PROMISES[name](desk())


@pytest.mark.parametrize(("name", "old", "new", "why"), WRONG)
async def test_each_promise_can_be_broken(
    desk: Callable[..., Trial], name: str, old: str, new: str, why: str
) -> None:
    trial = desk(old, new)

    with pytest.raises(Broken, match=re.escape(why)):
        async with asyncio.timeout(10):
            await PROMISES[name](trial)


async def test_a_quote_that_takes_too_long_is_none(desk: Callable[..., Trial]) -> None:
    trial = desk("    async def quote(self, swap):", SLOW_QUOTE)
    trial.quote_timeout_ms = 20

    with pytest.raises(Broken, match="no quote within 20 ms"):
        await PROMISES["quotes_are_exact"](trial)


SLOW_QUOTE = """
    async def quote(self, swap):
        import asyncio
        await asyncio.sleep(60)
"""
