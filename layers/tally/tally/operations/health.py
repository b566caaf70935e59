"""What is wrong at present: numbers that are 0 if all is well, and stay until it is repaired."""

from __future__ import annotations

from datetime import timedelta
from itertools import takewhile

from tally.aws.buckets import Bucket
from tally.aws.table import Table
from tally.counting.items import PARKED_PK
from tally.kernel.instants import Instant, plus, to_datetime
from tally.kernel.periods import closes_at, month_before, month_of
from tally.ledger.provider_months import months_of
from tally.metrics import Metric
from tally.operations.results import Check, Result, results, store_missing
from tally.payouts.runs import list_runs

# 08:00 UTC on the 1st, two hours after the schedule starts the run.
_PAID_OUT_AFTER_CLOSE = timedelta(hours=3)
_MOST_PARKED = 100  # or as many as there are more


def measure(table: Table, failed_batches: Bucket, now: Instant) -> dict[Metric, float]:
    checks = _results(table, now)
    return {
        Metric.PARKED_RECORDS: _parked_records(table),
        Metric.FAILED_BATCHES: failed_batches.objects().number,
        Metric.OVERDUE_PAYOUTS: overdue_payouts(table, now),
        Metric.DRIFT: sum(checks[Check.COUNTERS].wrong.values()),
        Metric.UNBALANCED_CURRENCIES: len(checks[Check.BOOKS].wrong),
        Metric.DIFFERING_STATEMENTS: len(checks[Check.STATEMENTS].wrong),
        Metric.CHECK_AGE_S: max(_age_s(result, now) for result in checks.values()),
    }


def overdue_payouts(table: Table, now: Instant) -> int:
    """The providers without a statement for the latest month that should be paid out by now.

    Of several runs for the month, the one that came furthest counts.
    """
    month = month_before(month_of(now))
    if now < plus(closes_at(month), _PAID_OUT_AFTER_CLOSE):
        month = month_before(month)
    runs = takewhile(lambda run: run.period >= month, list_runs(table))  # the newest come first
    left = [run.without_statement for run in runs if run.period == month]
    return min(left) if left else sum(1 for _ in months_of(table, month))


def _parked_records(table: Table) -> int:
    keys = table.query(PARKED_PK, limit=_MOST_PARKED, attributes=["PK", "SK"])
    return sum(1 for _ in keys)


def _results(table: Table, now: Instant) -> dict[str, Result]:
    """One that never ran counts as done when it was first missed: it is overdue a day later."""
    found = results(table)
    for check in Check:
        if check not in found:
            found[check] = store_missing(table, check, now)
    return found


def _age_s(result: Result, now: Instant) -> float:
    return (to_datetime(now) - to_datetime(result.finished_at)).total_seconds()
