"""docs/access-patterns.md lists every counter as it is declared: its key and all of its fields."""

from __future__ import annotations

import re
from dataclasses import fields as fields_of

import pytest

from dev import ROOT
from tally.counting.recount import OF_RUNS, OF_TENANT
from tally.kernel.counters import Totals

DECLARED: set[type[Totals]] = {
    kind.totals for kinds in (OF_TENANT, OF_RUNS) for kind in kinds.counters
}
EXAMPLES = {
    "tenant_id": "acme",
    "partner_id": "acme",
    "dataset_id": "dset_1",
    "epoch": "{epoch}",
    "run_id": "{run id}",
    "day": "2026-04-05",
    "currency": "USD",
    "month": "2026-04",
    "organization_id": "org_1",
}
PERIODS = {"SpendTotals": "2026-04", "DatasetMonth": "2026-04", "RunTotals": "2026-03"}


def rows() -> dict[str, tuple[list[str], list[str]]]:
    """Counter -> what its row has of keys and of fields."""
    text = (ROOT / "docs/access-patterns.md").read_text()
    (table,) = re.findall(r"<!-- counters -->(.*?)<!-- /counters -->", text, re.DOTALL)
    cells = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| `")]
    return {
        re.findall(r"`([^`]+)`", name)[0]: (
            re.findall(r"`([^`]+)`", key),
            re.findall(r"`([^`]+)`", fields),
        )
        for name, key, fields in cells
    }


def test_every_counter_has_a_row_and_nothing_else() -> None:
    assert rows().keys() == {counter.__name__ for counter in DECLARED}


@pytest.mark.parametrize("counter", sorted(DECLARED, key=str))
def test_a_row_says_the_counters_key_and_fields(counter: type[Totals]) -> None:
    names = [field.name for field in fields_of(counter)]
    period = PERIODS.get(counter.__name__)
    example = counter(*(EXAMPLES.get(name, period) for name in names))
    keys, fields = rows()[counter.__name__]

    assert keys[:2] == list(example.key)
    assert fields == list(counter.FIELDS)
