"""Payout runs: every provider of a month once, each with its outcome, until all have one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from tally.domain.errors import Unavailable
from tally.domain.instants import Instant
from tally.domain.periods import Period
from tally.store import keys
from tally.store.payouts import Making, ProviderMonth, make
from tally.store.queues import Queue
from tally.store.table import Action, Cancelled, Table

_ATTEMPTS = 5


class Outcome(StrEnum):
    """What became of one provider; `unchanged`: it had its statement, or nothing to state."""

    GENERATED = "generated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """`expected` providers, each counted by its outcome once it has one."""

    run_id: str
    period: Period
    started_at: Instant
    started_by: str
    expected: int
    generated: int = 0
    unchanged: int = 0
    failed: int = 0

    @property
    def is_finished(self) -> bool:
        return self.generated + self.unchanged + self.failed == self.expected


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


def start_run(
    table: Table, queue: Queue, run_id: str, period: Period, now: Instant, *, by: str
) -> Run:
    """Begin the run of that id, or go on with it: every provider of the month gets a message.

    The run is noted before its messages are sent, with all of them counted, so that no outcome
    comes to a run that is not there. A second message for a provider finds the first one's outcome.
    """
    tasks = list(_tasks(table, run_id, period))
    noted = {"run_id": run_id, "period": period, "started_at": now, "started_by": by}
    run = _note_run(table, noted, len(tasks))
    queue.send_all(task.to_json() for task in tasks)
    return run


def _note_run(table: Table, noted: Mapping[str, Any], expected: int) -> Run:
    """The run as it is noted by now, however many begin it at once."""
    key = keys.payout_run(noted["period"], noted["run_id"])
    for _ in range(_ATTEMPTS):
        begun = table.get(key, consistent=True)
        # Registers are never taken away: what an earlier start sent is among these tasks.
        if begun is None:
            begin = table.put_new(key, {**noted, "expected": expected})
        elif begun["expected"] >= expected:
            return _run_from(begun)
        else:
            condition = "expected < :expected"
            begin = table.update(key, "SET expected = :expected", condition, expected=expected)
        try:
            table.transact([begin])
        except Cancelled:
            continue
        return _run_from({**(begun or noted), "expected": expected})
    raise Unavailable("The run is begun over and over; send the request again.")


def _tasks(table: Table, run_id: str, period: Period) -> Iterator[Task]:
    """The providers that may have entries in the month, by Query."""
    registered = table.query(keys.period_pk(period), keys.PROVIDER_PREFIX, consistent=True)
    for item in registered:
        yield Task(run_id, item["tenant_id"], period, item["currency"])


def do_task(table: Table, task: Task, now: Instant, *, hold_for: timedelta) -> Outcome:
    """Make the provider's statement, if need be, and note the outcome, each once."""
    for _ in range(_ATTEMPTS):
        noted = _noted(table, task)
        if noted in (Outcome.GENERATED, Outcome.UNCHANGED):
            return noted
        note = _note(table, task, Outcome.GENERATED, noted)
        try:
            how = Making(now, task.run_id, hold_for)
            if make(table, ProviderMonth(*task[1:]), how, along=note):
                return Outcome.GENERATED
            table.transact(_note(table, task, Outcome.UNCHANGED, noted))
        except Cancelled as cancelled:
            if not all(reason is None or reason.is_condition for reason in cancelled.reasons):
                raise
            continue  # the same message, delivered twice, was faster: to succeed or to give up?
        return Outcome.UNCHANGED
    raise Unavailable("The outcome changes all the time; deliver the message again.")


def note_failure(table: Table, task: Task) -> None:
    """The provider's part failed for good, until its message is sent again."""
    if _noted(table, task) is None:
        try:
            table.transact(_note(table, task, Outcome.FAILED, None))
        except Cancelled as cancelled:
            if not any(reason and reason.is_condition for reason in cancelled.reasons):
                raise


def get_run(table: Table, period: Period, run_id: str) -> Run | None:
    item = table.get(keys.payout_run(period, run_id), consistent=True)
    return _run_from(item) if item else None


def list_runs(table: Table) -> Iterator[Run]:
    """All runs, those of the newest months first."""
    for item in table.query(keys.PAYOUT_RUNS_PK, newest_first=True, consistent=True):
        yield _run_from(item)


def failures(table: Table, run_id: str) -> Iterator[str]:
    """The providers whose part of a run failed."""
    for item in table.query(keys.payout_outcome(run_id, "", "").pk, consistent=True):
        if item["outcome"] == Outcome.FAILED.value:
            yield f"{item['tenant_id']} {item['currency']}"


def _noted(table: Table, task: Task) -> Outcome | None:
    item = table.get(_outcome_key(task), consistent=True)
    return Outcome(item["outcome"]) if item else None


def _note(table: Table, task: Task, outcome: Outcome, before: Outcome | None) -> list[Action]:
    """An outcome and the run's sum of it, on condition that it is noted as it was read."""
    attributes = {
        "outcome": outcome.value,
        "tenant_id": task.tenant_id,
        "currency": task.currency,
    }
    sums = {outcome.value: 1}
    if before is None:
        put = table.put_new(_outcome_key(task), attributes)
    else:
        sums[before.value] = -1
        put = table.put(_outcome_key(task), attributes, "outcome = :before", before=before.value)
    return [put, table.add(keys.payout_run(task.period, task.run_id), sums)]


def _outcome_key(task: Task) -> keys.Key:
    return keys.payout_outcome(task.run_id, task.tenant_id, task.currency)


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
    )
