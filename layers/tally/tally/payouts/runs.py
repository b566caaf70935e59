"""Payout runs: each provider of a month is one task, done once, until every task has an outcome."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from itertools import batched
from typing import Any, NamedTuple
from zlib import crc32

from tally.audit.model import Actor, Deed
from tally.audit.trail import audited
from tally.aws.queues import Queue
from tally.aws.retries import pauses
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.counters import sum_of_parts
from tally.kernel.errors import NotFound, Unavailable
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.ledger.provider_months import ProviderMonth, months_of, stop_imports
from tally.payouts.counters import RunTotals
from tally.payouts.items import (
    PAYOUT_RUNS_PK,
    payout_outcome_key,
    payout_outcomes_pk,
    payout_run_key,
    started_run_key,
    started_runs_total_key,
)
from tally.payouts.making import NO_IMPORTS_SINCE, Making, delete_lines_of_others, make
from tally.payouts.reserves import DueReserves, release_own

_ATTEMPTS = 20
_TASKS_A_BUNDLE = 200  # 20 KB; takes a tenth of a second to send on


class Outcome(StrEnum):
    """The result of a task; `unchanged`: the statement existed, or there was nothing to state."""

    GENERATED = "generated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """`expected` tasks; each is counted by its outcome once it has one. `noted_at` is when the
    latest outcome was noted; None if that is not known."""

    run_id: str
    period: Period
    started_at: Instant
    started_by: str
    expected: int
    generated: int = 0
    unchanged: int = 0
    failed: int = 0
    noted_at: Instant | None = None

    @property
    def is_finished(self) -> bool:
        return self.generated + self.unchanged + self.failed == self.expected

    @property
    def finished_at(self) -> Instant | None:
        """None for one that has not finished, or did so before that was noted."""
        if not self.is_finished:
            return None
        return self.noted_at if self.expected else self.started_at

    @property
    def without_statement(self) -> int:
        """The providers that still lack theirs, those included that failed."""
        return self.expected - self.generated - self.unchanged


class Task(NamedTuple):
    """One provider's part of a run."""

    run_id: str
    tenant_id: str
    period: Period
    currency: str

    @classmethod
    def from_json(cls, text: str) -> Task:
        return cls(**json.loads(text))

    def to_json(self) -> str:
        return json.dumps(self._asdict())

    @property
    def month(self) -> ProviderMonth:
        return ProviderMonth(self.tenant_id, self.period, self.currency)

    @property
    def outcome_key(self) -> Key:
        return payout_outcome_key(self.run_id, self.tenant_id, self.currency)


class Bundle(NamedTuple):
    """Tasks of one run in one message. Whoever gets it sends them one by one, so that a run over
    very many providers is started within the time that a request has."""

    run_id: str
    period: Period
    providers: Sequence[tuple[str, str]]
    """Tenant and currency of each."""

    def to_json(self) -> str:
        return json.dumps(self._asdict())

    @property
    def tasks(self) -> Iterator[Task]:
        for tenant_id, currency in self.providers:
            yield Task(self.run_id, tenant_id, self.period, currency)


type Message = Task | Bundle | DueReserves


def read_message(body: str) -> Message:
    """A message of the payout queue. ValueError or TypeError for what is none."""
    fields = json.loads(body)
    if "reserves" in fields:
        return DueReserves(**fields)
    return Bundle(**fields) if "providers" in fields else Task(**fields)


# ------------------------------------------------------------------------- starting


def start_run(
    table: Table, queue: Queue, run_id: str, period: Period, now: Instant, *, by: Actor
) -> Run:
    """Start a run, or continue the one with this id: every provider of the month gets a message,
    its own or a bundle's.

    The run is stored first, so that no outcome comes before it. A second message for a provider
    finds the outcome of the first. Only who starts a run is audited, not who continues it.
    """
    tasks = [Task(run_id, *month) for month in months_of(table, period)]
    run = _store(table, Run(run_id, period, now, by.subject, expected=len(tasks)), by)
    queue.send_all(each.to_json() for each in _bundled(tasks))
    return run


def _bundled(tasks: Sequence[Task]) -> Iterable[Task | Bundle]:
    """What a start sends: the tasks of a small run themselves."""
    if len(tasks) <= _TASKS_A_BUNDLE:
        yield from tasks
        return
    for some in batched(tasks, _TASKS_A_BUNDLE, strict=False):
        providers = [(each.tenant_id, each.currency) for each in some]
        yield Bundle(some[0].run_id, some[0].period, providers)


def _store(table: Table, run: Run, by: Actor) -> Run:
    """Store a new run, or raise what a stored one expects. The run as it is then stored."""
    key = payout_run_key(run.period, run.run_id)
    for _ in range(_ATTEMPTS):
        stored = get_run(table, run.period, run.run_id)
        # Providers of a month are never removed: an earlier start sent some of the same tasks.
        if stored is None:
            actions = [
                table.put_new(key, _run_attributes(run)),
                *listing(table, run),
                *_audited_start(table, run, by),
            ]
        elif stored.expected >= run.expected:
            return stored
        else:
            more = "SET expected = :expected", "expected < :expected"
            actions = [table.update(key, *more, expected=run.expected)]
        try:
            table.transact(actions)
        except Cancelled:
            continue  # the run was started once more at the same time
        return replace(stored or run, expected=run.expected)
    raise Unavailable("Other requests keep starting this payout run; send the request again.")


def listing(table: Table, run: Run) -> list[Action]:
    """Fails if the run is in the list of all."""
    place = started_run_key(run.started_at, run.period, run.run_id)
    return [
        table.put_new(place, {"run_id": run.run_id, "period": run.period}),
        table.add(started_runs_total_key(), {"runs": 1}),
    ]


def _audited_start(table: Table, run: Run, by: Actor) -> list[Action]:
    return audited(
        table,
        by,
        Deed.PAYOUT_RUN_STARTED,
        target=run.run_id,
        tenant_id=None,
        at=run.started_at,
        period=run.period,
        expected=run.expected,
    )


# ---------------------------------------------------------------------------- tasks


def do_task(table: Table, task: Task, now: Instant, *, hold_for: timedelta) -> Outcome:
    """Make the provider's statement unless it exists, and note the outcome, each once.

    NotFound if there is no such run.
    """
    how = Making(now, task.run_id, hold_for)
    for pause in pauses():
        before = _outcome_of(table, task)
        if before in (Outcome.GENERATED, Outcome.UNCHANGED):
            # Whoever noted it may have died of what follows.
            delete_lines_of_others(table, task.month)
            release_own(table, task.tenant_id, task.currency, now)
            return before
        made = make(table, task.month, how)
        outcome = Outcome.GENERATED if made.actions else Outcome.UNCHANGED
        try:
            table.transact([*made.actions, *_note(table, task, outcome, before, now)])
        except Cancelled as cancelled:
            if cancelled.failed(NO_IMPORTS_SINCE):
                stop_imports(table, task.month)  # or each of them would cost a read of the ledger
            table.sleep(pause)  # another run, an import or a second delivery was faster: read again
        else:
            if made.had_lines_ahead:
                delete_lines_of_others(table, task.month)
            release_own(table, task.tenant_id, task.currency, now)
            return outcome
    raise Unavailable(
        "Other writers keep changing this provider's month; deliver the message again."
    )


def note_failure(table: Table, task: Task, now: Instant) -> None:
    """Note that a task failed for good, unless it has an outcome or its run does not exist.

    It may still succeed if its message is sent again.
    """
    # A second delivery may have noted an outcome, or there is no run.
    with suppress(NotFound, Cancelled):
        if _outcome_of(table, task) is None:
            table.transact(_note(table, task, Outcome.FAILED, None, now))


def _outcome_of(table: Table, task: Task) -> Outcome | None:
    """What is noted of a task. NotFound if there is no such run; one that is there stays."""
    run = payout_run_key(task.period, task.run_id)
    found = table.get_many([run, task.outcome_key])
    if run not in found:
        raise NotFound(f"Payout run {task.run_id} of {task.period} does not exist.")
    item = found.get(task.outcome_key)
    return Outcome(item["outcome"]) if item else None


def _note(
    table: Table, task: Task, outcome: Outcome, before: Outcome | None, now: Instant
) -> list[Action]:
    """Note an outcome and count it in its run; fails unless the outcome noted is `before`."""
    attributes = {
        "outcome": outcome.value,
        "tenant_id": task.tenant_id,
        "currency": task.currency,
    }
    sums = f"{outcome.value} :one"
    bound: dict[str, Any] = {"one": 1, "now": now}
    if before is None:
        put = table.put_new(task.outcome_key, attributes)
    else:
        sums, bound = f"{sums}, {before.value} :less", {**bound, "less": -1}
        put = table.put(task.outcome_key, attributes, "outcome = :before", before=before.value)
    totals = RunTotals(task.period, task.run_id)
    # Ten tasks at a time: they would all meet at one item.
    part = crc32(f"{task.tenant_id} {task.currency}".encode()) % totals.PARTS
    noting = f"ADD {sums} SET noted_at = :now"
    return [put, table.update(totals.part_key(part), noting, **bound)]


# -------------------------------------------------------------------------- reading


def get_run(table: Table, period: Period, run_id: str) -> Run | None:
    first, *_, last = RunTotals(period, run_id).part_keys
    parts = table.query(first.pk, between=(first.sk, last.sk), consistent=True)
    return next(_runs_from(reversed(list(parts))), None)


def runs_of(table: Table, period: Period) -> Iterator[Run]:
    """All runs of a month."""
    first = payout_run_key(period, "")
    yield from _runs_from(table.query(*first, newest_first=True, consistent=True))


def list_runs(table: Table) -> Iterator[Run]:
    """All runs, those of the newest months first."""
    yield from _runs_from(table.query(PAYOUT_RUNS_PK, newest_first=True, consistent=True))


def _runs_from(parts: Iterable[Mapping[str, Any]]) -> Iterator[Run]:
    """The runs of items in backward order: a run's parts come before its own item."""
    of_run = []
    for item in parts:
        of_run.append(item)
        if "run_id" in item:
            totals = RunTotals(item["period"], item["run_id"])
            noted = {"noted_at": max(each.get("noted_at", "") for each in of_run) or None}
            yield _run_from({**item, **sum_of_parts(totals, of_run), **noted})
            of_run = []


def failures(table: Table, run_id: str) -> Iterator[str]:
    """The provider and currency of each task of a run that failed, for display."""
    for item in table.query(payout_outcomes_pk(run_id), consistent=True):
        if item["outcome"] == Outcome.FAILED.value:
            yield f"{item['tenant_id']} {item['currency']}"


def _run_attributes(run: Run) -> dict[str, Any]:
    """Without the sums, which outcomes add."""
    return {
        "run_id": run.run_id,
        "period": run.period,
        "started_at": run.started_at,
        "started_by": run.started_by,
        "expected": run.expected,
    }


def _run_from(item: Mapping[str, Any]) -> Run:
    return Run(
        run_id=item["run_id"],
        period=item["period"],
        started_at=item["started_at"],
        started_by=item["started_by"],
        expected=item["expected"],
        generated=item.get("generated", 0),
        unchanged=item.get("unchanged", 0),
        failed=item.get("failed", 0),
        noted_at=item.get("noted_at"),
    )
