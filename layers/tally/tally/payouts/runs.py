"""Payout runs: each provider of a month is one task, done once, until every task has an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tally.aws.table import Table
from tally.kernel.counters import sum_of_parts
from tally.kernel.instants import Instant
from tally.kernel.periods import Period
from tally.payouts.counters import RunTotals
from tally.payouts.items import PAYOUT_RUNS_PK, payout_outcomes_pk, payout_run_key


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
