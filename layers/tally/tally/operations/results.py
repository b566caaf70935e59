"""What the scheduled checks found last, as it is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tally.aws.table import Table
from tally.kernel.instants import Instant
from tally.operations.items import CHECKS_PK, check_key

_MOST_WRONG = 1_000  # so that the result fits into one item


class Check(StrEnum):
    """By how they are stored."""

    COUNTERS = "counters"
    BOOKS = "books"
    STATEMENTS = "statements"


@dataclass(frozen=True, slots=True)
class Result:
    """`wrong`: tenant, currency or statement -> how much of it is wrong.

    `position` is where the next check goes on. `skipped` could not be checked: there is too much of
    it for one check, or it kept changing. `complete`: time did not run out. `ran` is false for a
    check that never did. Only what is wrong, the position and that are stored.
    """

    finished_at: Instant
    wrong: Mapping[str, int] = field(default_factory=dict)
    position: str = ""
    checked: int = 0
    skipped: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    complete: bool = True
    ran: bool = True


def results(table: Table) -> dict[str, Result]:
    """Check -> what it found last."""
    return {item["SK"]: result_from(item) for item in table.query(CHECKS_PK)}


def store(table: Table, check: Check, result: Result) -> Result:
    table.transact([table.put(check_key(check), _attributes(result))])
    return result


def store_missing(table: Table, check: Check, now: Instant) -> Result:
    """Note when it was first missed that a check never ran: it counts as if it had run then."""
    result = Result(now, ran=False)
    table.transact([table.put(check_key(check), {**_attributes(result), "ran": False})])
    return result


def _attributes(result: Result) -> dict[str, Any]:
    wrong = dict(list(result.wrong.items())[:_MOST_WRONG])
    return {
        "finished_at": result.finished_at,
        "position": result.position,
        "wrong": json.dumps(wrong),
    }


def result_from(item: Mapping[str, Any]) -> Result:
    return Result(
        item["finished_at"],
        json.loads(item["wrong"]),
        item["position"],
        ran=item.get("ran", True),
    )
