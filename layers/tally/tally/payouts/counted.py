"""The counted records and the counters of statements and payout runs, as recounts find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tally.access.items import tenant_key
from tally.aws.table import Table
from tally.kernel.counted import CountedRecord, CounterKind
from tally.kernel.counters import Deltas, adds
from tally.kernel.periods import Period
from tally.payouts.counters import RunTotals, StatementTotals, statement_contribution
from tally.payouts.items import PAYOUT_PREFIX, Payout, payout_from, payout_outcomes_pk
from tally.payouts.runs import list_runs


class NotedOutcome(NamedTuple):
    """What became of one provider in a run."""

    period: Period
    run_id: str
    outcome: str


def _statements(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(tenant_key(tenant_id).pk, PAYOUT_PREFIX, consistent=True)


def _outcomes(table: Table, _: str) -> Iterator[Mapping[str, Any]]:
    for run in list_runs(table):
        for item in table.query(payout_outcomes_pk(run.run_id), consistent=True):
            yield {**item, "period": run.period, "run_id": run.run_id}


def _outcome_contribution(noted: NotedOutcome) -> Deltas:
    return adds(RunTotals(noted.period, noted.run_id), **{noted.outcome: 1})


COUNTED = (
    CountedRecord(
        Payout,
        PAYOUT_PREFIX,
        payout_from,
        statement_contribution,
        (StatementTotals,),
        _statements,
        streamed=False,
    ),
)
COUNTERS = (CounterKind(StatementTotals, lambda _, tenant_id: [StatementTotals(tenant_id)]),)

# Of the platform, not of a tenant.
COUNTED_OF_RUNS = (
    CountedRecord(
        NotedOutcome,
        "",
        lambda item: NotedOutcome(item["period"], item["run_id"], item["outcome"]),
        _outcome_contribution,
        (RunTotals,),
        _outcomes,
        streamed=False,
    ),
)
COUNTERS_OF_RUNS = (
    CounterKind(
        RunTotals,
        lambda table, _: [RunTotals(run.period, run.run_id) for run in list_runs(table)],
    ),
)
