"""What a statement costs, for months of ten to ten thousand entries, and a run over many.

Entries are put into the table as ingestion writes them; making them by events would take an hour.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import batched
from typing import Any

from ops.bench import samples
from ops.bench.figures import Figure, of_usage
from ops.bench.lab import Lab
from tally.domain.charges import EntrySide, LedgerEntry, Posting, SpendKind
from tally.store import keys
from tally.store.items import to_item
from tally.store.ledger import entry_attributes, entry_key
from tally.store.payout_runs import Outcome, Task, do_task, start_run
from tally.store.payouts import Making, ProviderMonth, ledger_lines, make

PART = "A payout statement, by the provider's entries in the month"
RUN = "A payout run"
_PERIOD, _TIME = "2026-03", "2026-03-15T12:00:00.000000000Z"
_ENTRIES = 10, 1_000, 10_000
_PROVIDERS, _ENTRIES_EACH = 100, 3
_HOLD_FOR = timedelta(days=90)
_DATASETS = 10
_WRITERS = 4

type Item = dict[str, Any]


class _Tasks:
    """A queue in memory."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_all(self, bodies: Iterator[str]) -> None:
        self.bodies += bodies


def measure(lab: Lab) -> Iterator[Figure]:
    """Calls, units, time and memory of a statement, then of a run over many providers."""
    yield from _statements(lab)
    yield from _run(lab)


def _statements(lab: Lab) -> Iterator[Figure]:
    for entries in _ENTRIES:
        tenant_id = f"bench-payee-{entries}"
        lab.tenant(tenant_id)
        datasets = [f"{tenant_id}-{n}" for n in range(_DATASETS)]
        lab.post([samples.created(tenant_id, dataset_id) for dataset_id in datasets])
        _put(lab, _month(tenant_id, datasets, entries))
        month = ProviderMonth(tenant_id, _PERIOD, "USD")
        how = Making(lab.now, "bench", _HOLD_FOR)
        begun = time.perf_counter()
        with lab.meter.measure() as usage:
            made = make(lab.table, month, how, ())
        seconds = time.perf_counter() - begun
        if not made:
            raise RuntimeError(f"{tenant_id} got no statement")
        name = f"{entries:,} entries"
        yield from of_usage(PART, name, usage)
        yield Figure(PART, f"{name}, seconds", seconds, "s")
        peak = _peak_mib(lab, datasets, tenant_id, entries)
        yield Figure(PART, f"{name}, MiB at the most", peak, "MiB")


def _peak_mib(lab: Lab, datasets: Sequence[str], tenant_id: str, entries: int) -> float:
    """Memory while the same ledger is summed once more: tracing it would spoil the time."""
    tracemalloc.start()
    lines = ledger_lines(lab.table, ProviderMonth(tenant_id, _PERIOD, "USD"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if sum(line.entries for line in lines) != entries or len(lines) != len(datasets):
        raise RuntimeError(f"{tenant_id} has {lines}")
    return peak / 2**20


def _run(lab: Lab) -> Iterator[Figure]:
    owner = "bench-payee-10"
    items = []
    for n in range(_PROVIDERS):
        tenant_id = f"bench-small-payee-{n}"
        rates = {"fee_rate": "0.30", "reserve_rate": "0.10", "display_name": tenant_id}
        tenant = {"tenant_id": tenant_id, "billing_currency": "USD", "created_at": lab.now}
        items.append(to_item(keys.tenant(tenant_id), tenant | rates))
        register = keys.period_provider("2026-02", tenant_id, "USD")
        items.append(to_item(register, {"tenant_id": tenant_id, "currency": "USD"}))
        items += _month(tenant_id, [f"{owner}-0"], _ENTRIES_EACH, "2026-02")
    _put(lab, items)
    tasks: Any = _Tasks()
    run = start_run(lab.table, tasks, "run_bench", "2026-02", lab.now, by="bench")
    outcomes: list[Outcome] = []
    begun = time.perf_counter()
    with lab.meter.measure() as usage:
        for body in tasks.bodies:
            task = Task.from_json(body)
            outcomes.append(do_task(lab.table, task, lab.now, hold_for=_HOLD_FOR))
    seconds = time.perf_counter() - begun
    name = f"one of {_PROVIDERS:,} providers with {_ENTRIES_EACH} entries"
    yield from of_usage(RUN, name, usage, _PROVIDERS)
    yield Figure(RUN, f"{name}, milliseconds", seconds / _PROVIDERS * 1000, "ms")
    missing = run.expected - outcomes.count(Outcome.GENERATED)
    yield Figure(RUN, "providers without a statement", missing, "providers", 0)


def _month(
    tenant_id: str, datasets: Sequence[str], entries: int, period: str = _PERIOD
) -> list[Item]:
    made = []
    for n in range(entries):
        posting = Posting(f"{tenant_id}{n:058}", SpendKind.SEARCH, "USD", _TIME, _TIME)
        lines = {datasets[n % len(datasets)]: 450_000}
        credit = LedgerEntry(posting, EntrySide.CREDIT, tenant_id, period, 450_000, lines)
        made.append(to_item(entry_key(credit), entry_attributes(credit)))
    return made


def _put(lab: Lab, items: Sequence[Item]) -> None:
    def put(some: Sequence[Item]) -> None:
        left: Any = [{"PutRequest": {"Item": item}} for item in some]
        while left:
            answer = lab.table.client.batch_write_item(RequestItems={lab.table.name: left})
            left = answer["UnprocessedItems"].get(lab.table.name)

    with ThreadPoolExecutor(_WRITERS) as writers:
        for _ in writers.map(put, batched(items, 25, strict=False)):
            pass
