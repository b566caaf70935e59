"""The tasks of payout runs: messages, and making a provider's statement of a month once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple
from zlib import crc32

from tally.aws.retries import pauses
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.errors import NotFound, Unavailable
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.ledger.provider_months import ProviderMonth, stop_imports
from tally.payouts.counters import RunTotals
from tally.payouts.items import payout_outcome_key, payout_run_key
from tally.payouts.making import NO_IMPORTS_SINCE, Making, delete_lines_of_others, make
from tally.payouts.reserves import DueReserves, release_own
from tally.payouts.runs import Outcome


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
