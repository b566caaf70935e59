"""Every accepted event is counted exactly once, whatever happens on the way."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.catalog.reads import provider_totals
from tally.counting.recount import recount
from tally.partners.billing import terms_and_totals
from tests import portfolios
from tests.deliveries import send_through_faults
from tests.histories import TENANT, Event, dashboard, histories
from tests.portfolios import PARTNERS, portfolio_histories, usage_entries
from tests.world import World, new_world

pytestmark = pytest.mark.slow

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32)


@settings(relaxed, max_examples=30)
@given(history=histories(), seed=seeds)
def test_counters_equal_the_rules_and_a_recount_after_any_faults(
    history: list[Event], seed: int
) -> None:
    with new_world() as world:
        world.tenant(TENANT)

        accepted = send_through_faults(world, history, seed)

        totals = provider_totals(world.table, TENANT)
        expected = dashboard(accepted)
        assert {field: totals.get(field, 0) for field in expected} == expected
        assert recount(world.table, TENANT, sleep=lambda _: None) == []


@settings(relaxed, max_examples=12)
@given(history=portfolio_histories(), seed=seeds)
def test_partners_counters_do_too(history: list[Event], seed: int) -> None:
    with new_world() as world:
        for partner_id in PARTNERS:
            world.tenant(partner_id)

        accepted = send_through_faults(world, history, seed)

        for partner_id in PARTNERS:
            own = [e for e in accepted if e["data"]["partner_id"] == partner_id]
            _, totals = terms_and_totals(world.table, partner_id)
            organizations, active = portfolios.organizations(own)
            assert totals.get("organizations", 0) == organizations
            assert totals.get("active", 0) == active
            assert _listed(world, partner_id) == organizations
            usage = portfolios.usage(own)
            assert portfolios.entered(usage_entries(world.table, partner_id)) == usage
            assert portfolios.counted(world, partner_id) == usage
            assert recount(world.table, partner_id, sleep=lambda _: None) == []


def _listed(world: World, partner_id: str) -> int:
    total: int = world.get_partner("/partner/organizations", partner_id)["total"]
    return total
