"""The lists of datasets, of payout runs and of held reserves: each has what there is, once."""

from __future__ import annotations

from tally.catalog.items import dataset_from
from tally.catalog.lists import list_datasets
from tally.catalog.reads import datasets_of, provider_totals
from tally.kernel.keys import Key
from tally.payouts.items import RESERVES_PK, held_reserve_key
from tally.payouts.run_list import list_started_runs
from tally.payouts.runs import list_runs
from tests.simulation.histories import TENANTS
from tests.simulation.market import Market

_MOST = 1_000


def check_lists(market: Market) -> None:
    table = market.table
    for tenant_id in TENANTS:
        alive = [each for each in map(dataset_from, datasets_of(table, tenant_id)) if each.alive]
        page = list_datasets(table, tenant_id, limit=_MOST)
        found = [(row.created_at, row.dataset_id, row.name) for row in page.rows]
        there = sorted(((d.created.time, d.dataset_id, d.name) for d in alive), reverse=True)
        assert found == there, f"the list of {tenant_id}'s datasets is not what there is"
        totals = provider_totals(table, tenant_id)
        listed = sum(row.objects for row in page.rows), sum(row.storage_bytes for row in page.rows)
        held = totals.get("objects", 0), totals.get("bytes", 0)
        assert listed == held, f"{tenant_id}'s datasets do not sum to its totals"
    runs = list_started_runs(table, limit=_MOST)
    assert runs.total == len(runs.rows)
    assert sorted(run.run_id for run in runs.rows) == sorted(r.run_id for r in list_runs(table))
    assert _of_tenants(market) == _of_all(market), "a tenant's reserves are not those of all"


def _of_all(market: Market) -> set[Key]:
    return {
        held_reserve_key(item["tenant_id"]["S"], item["SK"]["S"])
        for item in market.database.items()
        if item["PK"]["S"] == RESERVES_PK
    }


def _of_tenants(market: Market) -> set[Key]:
    prefix = held_reserve_key("", "").sk
    return {
        Key(item["PK"]["S"], item["SK"]["S"])
        for item in market.database.items()
        if item["SK"]["S"].startswith(prefix)
    }
