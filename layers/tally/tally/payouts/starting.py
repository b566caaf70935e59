"""Starting payout runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import batched
from typing import Any

from tally.audit.model import Actor, Deed
from tally.audit.trail import audited
from tally.aws.queues import Queue
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant
from tally.kernel.periods import Period
from tally.ledger.provider_months import months_of
from tally.payouts.items import payout_run_key, started_run_key, started_runs_total_key
from tally.payouts.runs import Run, get_run
from tally.payouts.tasks import Bundle, Task

_ATTEMPTS = 20
_TASKS_A_BUNDLE = 200  # 20 KB; takes a tenth of a second to send on


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


def _run_attributes(run: Run) -> dict[str, Any]:
    """Without the sums, which outcomes add."""
    return {
        "run_id": run.run_id,
        "period": run.period,
        "started_at": run.started_at,
        "started_by": run.started_by,
        "expected": run.expected,
    }
