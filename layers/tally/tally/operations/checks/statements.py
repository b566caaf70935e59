"""Statements equal the ledger."""

from __future__ import annotations

from tally.aws.table import Table
from tally.kernel.instants import Instant
from tally.operations.checks.examining import Subject, examined, last_result
from tally.operations.results import Check, Result, store
from tally.payouts.verifying import all_statements, verify


def check_statements(table: Table, now: Instant) -> Result:
    """Verify the statements that differed last time, and then all, as far as the time goes."""
    before = last_result(table, Check.STATEMENTS, now)
    ids = list(all_statements(table))
    first = ids.index(before.position) + 1 if before.position in ids else 0
    subjects = [Subject(each, each) for each in ids[first:] + ids[:first]]

    def look(statement_id: str) -> list[str]:
        difference = verify(table, statement_id)
        return [f"{statement_id}: {difference}"] if difference else []

    end = subjects[-1].position if subjects else ""
    return store(table, Check.STATEMENTS, examined(before, subjects, look, now, end=end))
