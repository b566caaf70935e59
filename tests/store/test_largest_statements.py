"""Statements of more datasets than one transaction has room for, within DynamoDB's limits.

On the simulation's model of it, which refuses items over 400 KB and transactions over 4 MB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import batched, islice
from typing import Any

import pytest

from tally.access.model.tenants import Tenant
from tally.access.tenants import create_tenant
from tally.audit.model import SCHEDULE
from tally.aws.table import Table
from tally.catalog.items import dataset_key
from tally.kernel.instants import Instant
from tally.ledger.items import entry_attributes, key_of_entry
from tally.ledger.model.charges import SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry, Posting
from tally.ledger.provider_months import ProviderMonth, announcement
from tally.payouts.model.statements import statement_id
from tally.payouts.reading import LinePosition, get_payout
from tally.payouts.runs import Outcome
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task, do_task
from tally.payouts.verifying import verify
from tests.operators import OPERATOR
from tests.simulation.dynamodb import Database
from tests.world import Tasks

pytestmark = pytest.mark.slow

NOW: Instant = "2026-04-01T06:00:00.000000000Z"
MONTH = ProviderMonth("north", "2026-03", "USD")
MADE = statement_id(*MONTH)
EACH = 10**15
LINES_AN_ENTRY = 50
LONGEST_NAME = "\U0001f4c8" * 256  # 1 KB


@dataclass
class Counting:
    """A database that counts what it is asked."""

    real: Database
    calls: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.calls[name] += 1
        asked: Callable[..., Any] = getattr(self.real, name)
        return asked


def sold(dataset_ids: Sequence[str], name: str) -> tuple[Table, Counting]:
    """A table in which north earned the same with each of its datasets."""
    database: Any = Counting(Database(now=lambda: 0, indexes={}))
    table = Table(database, "model", sleep=lambda _: None)
    tenant = Tenant("north", "North", "USD", Decimal("0.3"), Decimal("0.1"), NOW)
    create_tenant(table, tenant, OPERATOR)
    table.transact([table.put_new(MONTH.key, announcement(MONTH))])
    for some in batched(dataset_ids, 100, strict=False):
        table.transact([table.put_new(dataset_key(each), {"name": name}) for each in some])
    for n, some in enumerate(batched(dataset_ids, LINES_AN_ENTRY, strict=False)):
        posting = Posting(f"{n:064}", SpendKind.SEARCH, "USD", NOW, NOW)
        lines = dict.fromkeys(some, EACH)
        credit = LedgerEntry(
            posting, EntrySide.CREDIT, "north", MONTH.period, EACH * len(some), lines
        )
        table.transact([table.put_new(key_of_entry(credit), entry_attributes(credit))])
    return table, database


def state(table: Table) -> Outcome:
    tasks: Any = Tasks()
    start_run(table, tasks, "run_1", MONTH.period, NOW, by=SCHEDULE)
    (body,) = tasks.bodies
    return do_task(table, Task.from_json(body), NOW, hold_for=timedelta(days=90))


@pytest.mark.parametrize(
    ("datasets", "id_length", "name"),
    [
        # 20 items with lines, of 330 KB each.
        (6_000, 64, LONGEST_NAME),
        # 100 items, and seven more of the statement's own.
        (30_000, 6, "N"),
    ],
    ids=["the longest names", "very many"],
)
def test_a_statement_of_any_size(datasets: int, id_length: int, name: str) -> None:
    dataset_ids = [f"{n:0{id_length}}" for n in range(datasets)]
    table, _ = sold(dataset_ids, name)

    assert state(table) is Outcome.GENERATED

    found = get_payout(table, MADE)
    assert found
    read = [(each.line.dataset_id, each.line.amount, each.name) for each in found.lines]
    assert read == [(each, EACH, name) for each in dataset_ids]
    assert found.exact == found.payout.statement.gross == datasets * EACH
    assert verify(table, MADE) is None


def test_a_part_costs_what_it_shows() -> None:
    """However many lines come before it or follow: an item of the longest lines is a third of a
    page."""
    table, database = sold([f"{n:064}" for n in range(6_000)], LONGEST_NAME)
    state(table)
    costs = []
    for after in (None, 100, 4_000, 5_990):
        database.calls.clear()
        found = get_payout(table, MADE, LinePosition(f"{after:064}") if after else None)
        assert found
        assert len(list(islice(found.lines, 500))) == (9 if after == 5_990 else 500)
        costs.append(dict(database.calls))

    # What is about the statement, the statement, and one page of lines.
    assert costs == [{"query": 2, "get_item": 1}] * 4
