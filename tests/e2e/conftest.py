"""A stack that the tests of a module share."""

import pytest

from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def stack():
    with Stack(ORDER_ENGINE_BEST_PRICE_INTERVAL_MS="100") as stack:
        yield stack
