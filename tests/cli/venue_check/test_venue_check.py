"""What cannot be put on trial is refused before anything is sent."""

import re

import pytest

from cli.venue_check.command import CannotCheck, Terms, require_consent, swap_of
from tests.venues import ScriptedVenue


@pytest.mark.parametrize(
    ("pair", "amount", "why"),
    [
        ("SOL/NOBODYS", "1", "No token has the symbol or mint 'NOBODYS'."),
        ("SOL", "1", "No token has the symbol or mint ''."),
        ("SOL/USDC", "1e5", "An amount is a plain decimal such as 1.5"),
    ],
)
def test_a_swap_that_makes_no_sense_cannot_be_checked(pair: str, amount: str, why: str) -> None:
    with pytest.raises(CannotCheck, match=re.escape(why)):
        swap_of(pair, amount)


def test_real_money_is_not_moved_without_a_word() -> None:
    venue = ScriptedVenue("earnest")
    venue.simulated = False
    swap = swap_of("SOL/USDC", "0.1")

    with pytest.raises(CannotCheck, match=r"Earnest is not simulated.*--real-money"):
        require_consent(venue, Terms("earnest", swap, 1, real_money=False))

    require_consent(venue, Terms("earnest", swap, 1, real_money=True))
