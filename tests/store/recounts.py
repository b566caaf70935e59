"""A world in which everything is counted, its drift, and its repair."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tally.activity.counters import AccessTotals, BuyerTotals
from tally.catalog.counters import DatasetTotals, ProviderTotals
from tally.counting.recount import Drift, recount
from tally.counting.repair import Repaired, repair
from tally.intake.accepting import leave_to_the_stream
from tally.kernel.instants import plus, to_datetime
from tally.ledger.counters import BuyerDay, DatasetDay, DatasetMonth, ProviderDay, SpendTotals
from tally.partners.counters import OrganizationMonth, PartnerTotals, UsageTotals
from tests.builders import event
from tests.world import World

PROVIDER = ProviderTotals("acme")
BUYER = BuyerTotals("acme")
SPEND = SpendTotals("acme", "2026-04")
ACCESSES = AccessTotals("acme", "dset_1")
DATASET = DatasetTotals("acme", "dset_1", "0")
SERIES = (
    BuyerDay("acme", "2026-04-05"),
    ProviderDay("acme", "USD", "2026-04-05"),
    DatasetDay("dset_1", "USD", "2026-04-05"),
    DatasetMonth("acme", "2026-04", "USD", "dset_1"),
)
PARTNER = PartnerTotals("acme")
DAY = UsageTotals("acme", "2026-04-05")
MONTH = OrganizationMonth("acme", "2026-04", "org_1")
CHARGE: dict[str, Any] = {"charged_amount": "0.45", "currency": "USD"}


def count_everything(world: World) -> World:
    """One of everything that the stream counts, counted."""
    world.tenant("acme")
    leave_to_the_stream(world.table, "acme", plus(world.now, timedelta(days=100)))
    world.key("acme")
    world.send(event("dataset.created"), event("object.uploaded", size_bytes=10))
    world.import_history(
        event("dataset.accessed", "2026-04-05T09:31:00Z", kind="download", **CHARGE)
    )
    world.send(
        event("search.performed", query_text="q", dataset_ids=["dset_1"], result_count=1, **CHARGE),
        event("organization.created"),
        event("identification.recorded", quantity=3),
    )
    world.deliver()
    return world


def drifts(world: World, tenant_id: str = "acme") -> list[Drift]:
    return recount(world.table, tenant_id, sleep=lambda _: None)


def repaired(world: World, tenant_id: str = "acme", **arguments: Any) -> Repaired:
    """A repair in the world's own time."""

    def clock() -> float:
        return to_datetime(world.now).timestamp()

    arguments = {"sleep": lambda seconds: world.wait(seconds=seconds), **arguments}
    return repair(world.table, tenant_id, clock=clock, **arguments)
