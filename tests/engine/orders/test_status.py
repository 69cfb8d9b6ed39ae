"""The table of legal steps, whole."""

import itertools

import pytest

from engine.orders.status import (
    IN_ONE,
    IN_PROGRESS,
    NEXT,
    STATUS_MEANING,
    TERMINAL,
    IllegalStep,
    OrderStatus,
    require_step,
)

# As the design has it, written out once more so that the table cannot drift unseen.
LEGAL = {
    "PENDING": "ROUTING WAITING_PRICE WAITING_POOL CANCELED EXPIRED FAILED",
    "WAITING_PRICE": "ROUTING CANCELED EXPIRED FAILED",
    "WAITING_POOL": "ROUTING CANCELED EXPIRED FAILED",
    "ROUTING": "ROUTING BUILDING WAITING_PRICE CANCELED EXPIRED FAILED",
    "BUILDING": "SUBMITTED ROUTING CANCELED EXPIRED FAILED",
    "SUBMITTED": "CONFIRMED ROUTING FAILED",
}


@pytest.mark.parametrize(("current", "wanted"), list(itertools.product(OrderStatus, repeat=2)))
def test_a_step_is_legal_exactly_where_the_design_says(
    current: OrderStatus, wanted: OrderStatus
) -> None:
    if wanted in LEGAL.get(current, "").split() or (current, wanted) in IN_ONE:
        require_step(current, wanted)
    else:
        with pytest.raises(IllegalStep, match=f"{current} -> {wanted}"):
            require_step(current, wanted)


def test_every_status_has_a_row_and_a_meaning() -> None:
    assert set(NEXT) == set(STATUS_MEANING) == set(OrderStatus)


def test_an_ended_order_has_nowhere_to_go() -> None:
    assert {"CONFIRMED", "FAILED", "CANCELED", "EXPIRED"} == TERMINAL
    assert not IN_PROGRESS & TERMINAL


def test_steps_in_one_are_two_legal_ones_by_way_of_building() -> None:
    assert {("ROUTING", "SUBMITTED")} == IN_ONE
    for current, wanted in IN_ONE:
        assert OrderStatus.BUILDING in NEXT[current]
        assert wanted in NEXT[OrderStatus.BUILDING]
