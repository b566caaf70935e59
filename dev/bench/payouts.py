"""What a statement costs, for months of ten to a hundred thousand entries, and a run over many.

Entries are put into the table as ingestion writes them; making them by events would take an hour.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dev.bench.figures import ALTERNATIVES, Figure, of_usage
from dev.bench.lab import Lab
from dev.bench.meter import Usage
from dev.bench.replay import kept, replayed
from dev.stack import LocalStack
from tally.access.items import tenant_key
from tally.audit.model import SCHEDULE
from tally.aws.items import to_item
from tally.aws.table import Table
from tally.catalog.items import dataset_attributes, dataset_key
from tally.catalog.model.datasets import Dataset
from tally.kernel.versions import Version
from tally.ledger import reads as ledger
from tally.ledger.items import entry_attributes, key_of_entry
from tally.ledger.model.charges import SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry, Posting
from tally.ledger.provider_months import ProviderMonth, announcement
from tally.payouts.making import Making, ledger_lines, make
from tally.payouts.model.statements import Line, lines_of
from tally.payouts.runs import get_run
from tally.payouts.starting import start_run
from tally.payouts.tasks import Bundle, Task, do_task, read_message

PART = "A payout statement, by the number of ledger entries"
BY_DATASETS = "A payout statement, by the number of datasets"
RUN = "A payout run"
_PERIOD, _TIME = "2026-03", "2026-03-15T12:00:00.000000000Z"
_ENTRIES = 10, 1_000, 10_000, 100_000
_AMOUNT = 450_000
_PROVIDERS, _ENTRIES_EACH = 2_000, 3
_HOLD_FOR = timedelta(days=90)
_DATASETS = 10
_MOST_DATASETS = 1, 300, 30_000
_FEWEST_ENTRIES = 1_000
# Of the memory for 10,000 entries, a few pages: no more than one is held at once.
_MOST_MEMORY = 1.2
_MOST_ENTRIES, _MOST_CPU_SECONDS = 1_000_000, 300
_ROUNDS = 5
_EXPRESSIONS = (
    "ProjectionExpression",
    "FilterExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
)

type Item = dict[str, Any]


class _Tasks:
    """A queue in memory."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_all(self, bodies: Iterator[str]) -> None:
        self.bodies += bodies


def measure(stack: LocalStack, say: Callable[[str], None]) -> Iterator[Figure]:
    """Calls, units, time and memory of a statement, then of a run over many providers.

    On a table of its own; `say` is told what takes long.
    """
    lab = Lab.on(stack, "bench-payouts")
    yield from _statements(lab, stack.client("dynamodb"), say)
    yield from _of_datasets(lab, stack.client("dynamodb"), say)
    yield from _run(lab, say)


@dataclass(frozen=True, slots=True)
class _Cost:
    """`seconds` are those of the whole on the embedded AWS, `cpu_seconds` our own of the whole,
    the meter's included, and `sum_cpu_seconds` those of summing the ledger."""

    usage: Usage
    seconds: float
    cpu_seconds: float
    sum_cpu_seconds: float
    peak_mib: float
    answers: Sequence[bytes]


def _statements(lab: Lab, plain_client: Any, say: Callable[[str], None]) -> Iterator[Figure]:
    costs = {}
    for entries in _ENTRIES:
        say(f"Making a statement of {entries:,} entries")
        costs[entries] = _statement(lab, plain_client, entries, _DATASETS)
    few, some, pages, many = _ENTRIES
    most_writes = costs[few].usage.write_units
    most_memory = {many: _MOST_MEMORY * costs[pages].peak_mib}
    for entries, cost in costs.items():
        name, usage = f"{entries:,} entries", cost.usage
        yield Figure(PART, name, usage.calls, "calls")
        yield Figure(PART, name, usage.read_units, "read units")
        yield Figure(PART, name, usage.write_units, "write units", most_writes)
        yield Figure(PART, name, cost.seconds, "seconds on the embedded AWS")
        yield Figure(PART, name, cost.sum_cpu_seconds, "CPU seconds")
        yield Figure(PART, name, cost.peak_mib, "MiB", most_memory.get(entries))
    yield from _a_million(plain_client, lab.table.name, costs[many], most_memory[many])
    yield from _compared(lab, plain_client, some)


def _of_datasets(lab: Lab, plain_client: Any, say: Callable[[str], None]) -> Iterator[Figure]:
    for datasets in _MOST_DATASETS:
        say(f"Making a statement of {datasets:,} datasets")
        entries = max(datasets, _FEWEST_ENTRIES // datasets * datasets)
        cost = _statement(lab, plain_client, entries, datasets)
        name = f"{datasets:,} dataset{'s' * (datasets > 1)} with {entries:,} entries"
        yield Figure(BY_DATASETS, name, cost.usage.calls, "calls")
        yield Figure(BY_DATASETS, name, cost.usage.read_units, "read units")
        yield Figure(BY_DATASETS, name, cost.usage.write_units, "write units")
        yield Figure(BY_DATASETS, name, cost.seconds, "seconds on the embedded AWS")
        yield Figure(BY_DATASETS, name, cost.cpu_seconds, "CPU seconds", _MOST_CPU_SECONDS)
        yield Figure(BY_DATASETS, name, cost.peak_mib, "MiB to sum the ledger")


def _a_million(
    plain_client: Any, table_name: str, of_many: _Cost, most_memory: float
) -> Iterator[Figure]:
    """The answers for the largest of the months, ten times: more than anyone waits to put."""
    ours = Table(plain_client, table_name)
    times = _MOST_ENTRIES // _ENTRIES[-1]
    month = ProviderMonth("bench-payee-million", _PERIOD, "USD")
    answers = _followed([*of_many.answers] * times)
    cpu_seconds, lines = _cpu_seconds(ours, month, answers)
    peak, _ = _peak_mib(ours, month, answers)
    if sum(line.entries for line in lines) != _MOST_ENTRIES:
        raise RuntimeError(f"{_MOST_ENTRIES:,} entries are not what {lines} have")
    name = f"{_MOST_ENTRIES:,} entries (the answers for {_ENTRIES[-1]:,}, {times} times)"
    yield Figure(PART, name, cpu_seconds, "CPU seconds", _MOST_CPU_SECONDS)
    yield Figure(PART, name, peak, "MiB", most_memory)


def _followed(answers: Sequence[bytes]) -> Sequence[bytes]:
    """The same answers, each of which but the last says that more follow."""
    pages = [json.loads(answer) for answer in answers]
    for page in pages[:-1]:
        page["LastEvaluatedKey"] = {"PK": {"S": "LEDGER"}, "SK": {"S": "CREDIT"}}
    pages[-1].pop("LastEvaluatedKey", None)
    return [json.dumps(page).encode() for page in pages]


def _compared(lab: Lab, plain_client: Any, entries: int) -> Iterator[Figure]:
    """What an entry costs of which only the lines are read, against one that is read whole."""
    month = ProviderMonth(_payee(entries, _DATASETS), _PERIOD, "USD")
    ours = Table(plain_client, lab.table.name)
    of_month = (month.tenant_id, month.period)

    def whole(table: Table) -> tuple[Line, ...]:
        credits_ = ledger.entries(table, *of_month, EntrySide.CREDIT)
        return lines_of(each.lines for each in credits_ if each.posting.currency == month.currency)

    def lines_only(table: Table) -> tuple[Line, ...]:
        return ledger_lines(table, month)

    seconds = {}
    for read in (whole, lines_only):
        with kept(plain_client, "Query") as answers:
            expected = read(ours)
        seconds[read] = min(_timed(ours, read, answers, expected) for _ in range(_ROUNDS))
    ratio = seconds[lines_only] / seconds[whole]
    name = "the ledger's lines alone, in CPU seconds of entries read whole"
    yield Figure(ALTERNATIVES, name, ratio, "times", 0.25)


def _timed(
    table: Table,
    read: Callable[[Table], tuple[Line, ...]],
    answers: Sequence[bytes],
    expected: tuple[Line, ...],
) -> float:
    with replayed(table.client, "Query", answers):
        begun = time.process_time()
        lines = read(table)
        seconds = time.process_time() - begun
    if lines != expected:
        raise RuntimeError(f"{lines} are not {expected}")
    return seconds


def _payee(entries: int, datasets: int) -> str:
    return f"bench-payee-{entries}-{datasets}"


def _statement(lab: Lab, plain_client: Any, entries: int, of_datasets: int) -> _Cost:
    """What it takes to make one from so many entries of so many datasets; RuntimeError if it is
    wrong."""
    tenant_id = _payee(entries, of_datasets)
    lab.tenant(tenant_id)
    datasets = [f"{tenant_id}-{n:05}" for n in range(of_datasets)]
    lab.put(_dataset(tenant_id, dataset_id) for dataset_id in datasets)
    lab.put(_month(tenant_id, datasets, entries))
    month = ProviderMonth(tenant_id, _PERIOD, "USD")
    how = Making(lab.now, "bench", _HOLD_FOR)
    begun, cpu_begun = time.perf_counter(), time.process_time()
    with in_key_conditions(lab.table.client, whole_items=True), lab.meter.measure() as usage:
        made = make(lab.table, month, how)
        lab.table.transact(made.actions)
    seconds, whole = time.perf_counter() - begun, time.process_time() - cpu_begun
    if not made.actions:
        raise RuntimeError(f"{tenant_id} got no statement")
    ours = Table(plain_client, lab.table.name)
    with in_key_conditions(plain_client), kept(plain_client, "Query") as answers:
        ledger_lines(ours, month)
    cpu_seconds, lines = _cpu_seconds(ours, month, answers)
    peak, same_lines = _peak_mib(ours, month, answers)
    each = entries // of_datasets
    if not lines == same_lines == tuple(Line(of, each * _AMOUNT, each) for of in datasets):
        raise RuntimeError(f"{tenant_id} has {lines[:10]}")
    return _Cost(usage, seconds, whole, cpu_seconds, peak, answers)


@contextmanager
def in_key_conditions(client: Any, *, whole_items: bool = False) -> Iterator[None]:
    """Queries use the older syntax, which takes the embedded AWS an eighth of the time.

    It parses a KeyConditionExpression anew for each item of the partition, page after page.
    `whole_items`: the answers show all that was read, from which its units are computed.
    """

    def rewrite(params: dict[str, Any], **_: object) -> None:
        bound = params["ExpressionAttributeValues"] = dict(params["ExpressionAttributeValues"])
        partition, prefix = bound.pop(":pk"), bound.pop(":prefix")
        if params.pop("KeyConditionExpression") != "PK = :pk AND begins_with(SK, :prefix)":
            raise ValueError("there is no rule to rewrite this condition")
        params["KeyConditions"] = {
            "PK": {"ComparisonOperator": "EQ", "AttributeValueList": [partition]},
            "SK": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [prefix]},
        }
        if whole_items or not bound:
            for name in _EXPRESSIONS if whole_items else ("ExpressionAttributeValues",):
                params.pop(name, None)

    event = "before-parameter-build.dynamodb.Query"
    client.meta.events.register(event, rewrite)
    yield
    client.meta.events.unregister(event, rewrite)


def _cpu_seconds(
    table: Table, month: ProviderMonth, answers: Sequence[bytes]
) -> tuple[float, tuple[Line, ...]]:
    """The time to sum the ledger from the same answers, without the database and the meter."""
    with replayed(table.client, "Query", answers):
        begun = time.process_time()
        lines = ledger_lines(table, month)
        return time.process_time() - begun, lines


def _peak_mib(
    table: Table, month: ProviderMonth, answers: Sequence[bytes]
) -> tuple[float, tuple[Line, ...]]:
    """The memory to sum the ledger; measured separately, because tracing takes time."""
    with replayed(table.client, "Query", answers):
        tracemalloc.start()
        lines = ledger_lines(table, month)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak / 2**20, lines


def _run(lab: Lab, say: Callable[[str], None]) -> Iterator[Figure]:
    say(f"Running payouts over {_PROVIDERS:,} providers")
    lab.put(_small_providers(lab, f"{_payee(_ENTRIES[0], _DATASETS)}-00000"))
    tasks: Any = _Tasks()
    start_run(lab.table, tasks, "run_bench", "2026-02", lab.now, by=SCHEDULE)
    begun = time.perf_counter()
    with in_key_conditions(lab.table.client, whole_items=True), lab.meter.measure() as usage:
        for body in tasks.bodies:
            for task in _tasks_in(body):
                do_task(lab.table, task, lab.now, hold_for=_HOLD_FOR)
    seconds = time.perf_counter() - begun
    run = get_run(lab.table, "2026-02", "run_bench")
    if run is None:
        raise RuntimeError("the run is not there")
    name = f"one of {_PROVIDERS:,} providers with {_ENTRIES_EACH} entries"
    yield from of_usage(RUN, name, usage, _PROVIDERS)
    yield Figure(RUN, name, seconds / _PROVIDERS * 1000, "milliseconds on the embedded AWS")
    missing = _PROVIDERS - run.generated
    yield Figure(RUN, name, missing, "providers without a statement", 0)


def _tasks_in(body: str) -> Iterable[Task]:
    message = read_message(body)
    if isinstance(message, Bundle):
        return message.tasks
    if isinstance(message, Task):
        return [message]
    raise RuntimeError(f"a run does not send {message}")


def _small_providers(lab: Lab, dataset_id: str) -> Iterator[Item]:
    """What a run finds of each: the tenant, its month, its entries."""
    for n in range(_PROVIDERS):
        tenant_id = f"bench-small-payee-{n}"
        rates = {"fee_rate": "0.30", "reserve_rate": "0.10", "display_name": tenant_id}
        tenant = {"tenant_id": tenant_id, "billing_currency": "USD", "created_at": lab.now}
        yield to_item(tenant_key(tenant_id), tenant | rates)
        month = ProviderMonth(tenant_id, "2026-02", "USD")
        yield to_item(month.key, announcement(month))
        yield from _month(tenant_id, [dataset_id], _ENTRIES_EACH, "2026-02")


def _dataset(tenant_id: str, dataset_id: str) -> Item:
    created = Version(_TIME, 0, dataset_id, "/bench")
    dataset = Dataset(tenant_id, dataset_id, f"Dataset {dataset_id}", created, created)
    return to_item(dataset_key(dataset_id), dataset_attributes(dataset) | {"revision": 1})


def _month(
    tenant_id: str, datasets: Sequence[str], entries: int, period: str = _PERIOD
) -> Iterator[Item]:
    for n in range(entries):
        posting = Posting(f"{tenant_id}{n:058}", SpendKind.SEARCH, "USD", _TIME, _TIME)
        lines = {datasets[n % len(datasets)]: _AMOUNT}
        credit = LedgerEntry(posting, EntrySide.CREDIT, tenant_id, period, _AMOUNT, lines)
        yield to_item(key_of_entry(credit), entry_attributes(credit))
