"""The fault suite in small, part of the tests: each fault once, then every check.

The long form is `make faults`; see docs/reliability.md.
"""

import logging

import pytest

from tests.faults.outcome import SHORT_PLAN
from tests.faults.run import run


@pytest.mark.timeout(300)
async def test_nothing_is_lost_and_nothing_done_twice() -> None:
    logging.getLogger("gql").setLevel(logging.ERROR)

    outcome = await run(SHORT_PLAN, say=print)

    assert outcome.broken == {}, outcome
    assert outcome.not_injected == []
