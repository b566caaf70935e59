"""GET /v1/provider/payouts/{id}: what became of a statement's reserve."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests import builders
from tests.api.statements import (
    access,
    amounts,
    assert_adds_up,
    detail,
    refund,
    release_reserves,
    shown,
    state,
)
from tests.world import World

MARCH, APRIL, JULY = "2026-03", "2026-04", "2026-07"


@pytest.fixture
def trade(world: World) -> World:
    """acme buys what is north's."""
    return builders.market(world, "acme", north=["dset_1"])


def test_a_reserve_is_released_once_it_is_due(trade: World) -> None:
    state(trade, MARCH, access(MARCH, "10"))
    made_at = trade.now

    def reserve() -> dict[str, Any]:
        told_of: dict[str, Any] = detail(trade, MARCH)["reserve"]
        return told_of | {k: str(v) for k, v in told_of.items() if k != "releases"}

    held = {"held": "1.00", "released": "0.00", "still_held": "1.00", "releases": []}
    trade.wait(days=90, seconds=-1)
    release_reserves(trade)
    assert reserve() == held
    trade.now = made_at
    trade.wait(days=91)
    release_reserves(trade)
    release_reserves(trade)

    released = {
        "amount": Decimal("1.00"),
        "settled": Decimal("0.00"),
        "paid_out": Decimal("1.00"),
        "released_at": "2026-07-01T06:00:00Z",
    }
    gone = {"released": "1.00", "still_held": "0.00", "releases": [released]}
    assert reserve() == held | gone
    # The statement itself never changes.
    assert amounts(trade) == {(MARCH, "USD"): ["10.00", "7.00", "1.00", "6.00"]}
    assert_adds_up(trade, MARCH)


def test_a_reserve_settles_what_is_owed_before_it_is_paid(trade: World) -> None:
    """March holds 10 and April owes 7 of them: 3 are left to pay."""
    charge = access(MARCH, "100")
    state(trade, MARCH, charge)
    state(trade, APRIL, refund(APRIL, charge, "10"))
    trade.wait(days=90)
    release_reserves(trade)
    state(trade, JULY, access(JULY, "10"))

    released = {
        "amount": Decimal("10.00"),
        "settled": Decimal("7.00"),
        "paid_out": Decimal("3.00"),
        "released_at": "2026-07-30T06:00:00Z",
    }
    assert detail(trade, MARCH)["reserve"] == {
        "held": Decimal("10.00"),
        "released": Decimal("10.00"),
        "still_held": Decimal("0.00"),
        "releases": [released],
    }
    assert amounts(trade) == {
        (JULY, "USD"): ["10.00", "7.00", "1.00", "6.00"],
        (APRIL, "USD"): ["-10.00", "-7.00", "0.00", "0.00"],
        (MARCH, "USD"): ["100.00", "70.00", "10.00", "60.00"],
    }
    for period in (MARCH, APRIL, JULY):
        assert_adds_up(trade, period)
    text = shown(trade, MARCH, "text/csv").text
    assert text.endswith(
        "2026-03,reserve released,,,,,-3.00,USD,2026-07-30T06:00:00Z\r\n"
        "2026-03,reserve settled,,,,,-7.00,USD,2026-07-30T06:00:00Z\r\n"
    )
