"""The scheduled checks: a sample of tenants' counters, the books, statements.

Each stores what it found. What was wrong is looked at first the next time, so a check that is
started by hand after a repair tells whether it helped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tally.aws.table import Table
from tally.counting.recount import OF_RUNS, OF_TENANT, recount
from tally.kernel.instants import Instant
from tally.ledger.books import check_books
from tally.operations.items import check_key
from tally.operations.results import Check, Result, result_from, store
from tally.operations.timed import OutOfTime
from tally.payouts.verifying import all_statements, verify

SAMPLE = 10
"""Tenants of one check of the counters."""

RUNS = "payout runs"
"""What is recounted after the last tenant; it cannot be a tenant's id."""

_PAGES = 40  # of 1 MB, to find the tenants of a sample: well under a cent


class Subject(NamedTuple):
    """What a check looks at, and the position behind it."""

    name: str
    position: str


type Look = Callable[[str], Sequence[str]]
"""The name of a subject -> what is wrong with it, in words. OutOfTime; RuntimeError if it keeps
changing."""


def _last(table: Table, check: Check, now: Instant) -> Result:
    item = table.get(check_key(check), consistent=True)
    return result_from(item) if item else Result(now)


# ---------------------------------------------------------------------------- the checks


def check_counters(table: Table, now: Instant) -> Result:
    """Recount the tenants that drifted last time, and the next ones in the order of the table.

    The runs of payouts follow after the last tenant; then it begins with the first again.
    """
    before = _last(table, Check.COUNTERS, now)
    sample, end = _sample(table, before.position)
    if not end:
        sample.append(Subject(RUNS, ""))

    def look(name: str) -> list[str]:
        kinds = OF_RUNS if name == RUNS else OF_TENANT
        return [drift.in_short for drift in recount(table, name, sleep=table.sleep, kinds=kinds)]

    return store(table, Check.COUNTERS, _examined(before, sample, look, now, end=end))


def check_ledger(table: Table, now: Instant) -> Result:
    """Check the books of all time; OutOfTime if they do not fit into one check."""
    balances = check_books(table, now)
    wrong = {each.currency: 1 for each in balances if each.difference}
    return store(table, Check.BOOKS, Result(now, wrong, checked=len(balances)))


def check_statements(table: Table, now: Instant) -> Result:
    """Verify the statements that differed last time, and then all, as far as the time goes."""
    before = _last(table, Check.STATEMENTS, now)
    ids = list(all_statements(table))
    first = ids.index(before.position) + 1 if before.position in ids else 0
    subjects = [Subject(each, each) for each in ids[first:] + ids[:first]]

    def look(statement_id: str) -> list[str]:
        difference = verify(table, statement_id)
        return [f"{statement_id}: {difference}"] if difference else []

    end = subjects[-1].position if subjects else ""
    return store(table, Check.STATEMENTS, _examined(before, subjects, look, now, end=end))


def _examined(
    before: Result, subjects: Iterable[Subject], look: Look, now: Instant, *, end: str
) -> Result:
    """What was wrong before, then the subjects, until time is up; `end` is behind all of them."""
    wrong, skipped, differences = dict(before.wrong), list[str](), list[str]()
    position, checked = before.position, set[str]()
    again = [Subject(name, before.position) for name in before.wrong]
    complete = True
    for subject in (*again, *subjects):
        if subject.name in checked:
            position = subject.position
            continue
        try:
            found = look(subject.name)
        except OutOfTime:
            if not checked:  # it alone is too much: the next check must get past it
                skipped.append(subject.name)
                position = subject.position
            complete = False
            break
        except RuntimeError:
            skipped.append(subject.name)
        else:
            checked.add(subject.name)
            differences += found
            wrong.pop(subject.name, None)
            if found:
                wrong[subject.name] = len(found)
        position = subject.position
    else:
        position = end
    return Result(
        now, wrong, position, len(checked), tuple(skipped), tuple(differences), complete=complete
    )


def _sample(table: Table, position: str) -> tuple[list[Subject], str]:
    """The next tenants behind a position, and the position behind them; "" for the table's end."""
    found: list[Subject] = []
    arguments: dict[str, Any] = {
        "TableName": table.name,
        "FilterExpression": "SK = :sk",
        "ExpressionAttributeValues": {":sk": {"S": "TENANT"}},
        "ProjectionExpression": "PK, SK, tenant_id",
    }
    for _ in range(_PAGES):
        if position:
            arguments["ExclusiveStartKey"] = json.loads(position)
        answer = table.client.scan(**arguments)
        for item in answer["Items"]:
            position = json.dumps({"PK": item["PK"], "SK": item["SK"]})
            found.append(Subject(item["tenant_id"]["S"], position))
            if len(found) == SAMPLE:
                return found, position
        if "LastEvaluatedKey" not in answer:
            return found, ""
        position = json.dumps(answer["LastEvaluatedKey"])
    return found, position
