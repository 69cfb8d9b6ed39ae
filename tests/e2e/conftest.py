"""A stack that the tests of a module share."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(ORDER_ENGINE_BEST_PRICE_INTERVAL_MS="100") as stack:
        yield stack
