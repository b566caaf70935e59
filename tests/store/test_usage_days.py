"""Days and months of which nothing was ever counted in some fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world import World, event

DAY = "startDate=2026-04-05&endDate=2026-04-05"
YEAR = "startDate=2025-05-20&endDate=2026-05-10"
NONE_OF_CREDITS = event("identification.recorded", quantity=2, credits=0)
PAGE_VIEWS = event("usage.recorded", kind="page_view", quantity=3)
NOTHING = event("usage.recorded", kind="session", quantity=0)


@pytest.mark.parametrize("range_", [DAY, YEAR])
@pytest.mark.parametrize(
    ("used", "identifications", "quantity"),
    [(PAGE_VIEWS, 0, 3), (NOTHING, 0, 0), (NONE_OF_CREDITS, 2, 2)],
)
def test_what_was_not_used_is_zero(
    world: World, used: Any, identifications: int, quantity: int, range_: str
) -> None:
    world.tenant("acme")
    assert world.send(event("organization.created"), used).status == 202
    world.deliver()

    analytics = world.get_partner(f"/partner/analytics?{range_}", "acme")
    assert (analytics["totalIdentifications"], analytics["creditsUsed"]) == (identifications, 0)
    usage = world.get_partner(f"/partner/usage?{range_}", "acme")
    assert (usage["totalQuantity"], usage["totalEvents"]) == (quantity, 1)
    in_period = world.get_partner("/partner/billing/usage", "acme")
    assert in_period["totalQuantity"] == quantity
