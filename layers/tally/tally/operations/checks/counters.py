"""Counters are recounted, some tenants at a time."""

from __future__ import annotations

import json
from typing import Any

from tally.aws.table import Table
from tally.counting.recount import OF_RUNS, OF_TENANT, recount
from tally.kernel.instants import Instant
from tally.operations.checks.examining import Subject, examined, last_result
from tally.operations.results import Check, Result, store

SAMPLE = 10
"""Tenants of one check of the counters."""

RUNS = "payout runs"
"""What is recounted after the last tenant; it cannot be a tenant's id."""

_PAGES = 40  # of 1 MB, to find the tenants of a sample: well under a cent


def check_counters(table: Table, now: Instant) -> Result:
    """Recount the tenants that drifted last time, and the next ones in the order of the table.

    The runs of payouts follow after the last tenant; then it begins with the first again.
    """
    before = last_result(table, Check.COUNTERS, now)
    sample, end = _sample(table, before.position)
    if not end:
        sample.append(Subject(RUNS, ""))

    def look(name: str) -> list[str]:
        kinds = OF_RUNS if name == RUNS else OF_TENANT
        return [drift.in_short for drift in recount(table, name, sleep=table.sleep, kinds=kinds)]

    return store(table, Check.COUNTERS, examined(before, sample, look, now, end=end))


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
