"""How Tally stands, for the operator: what waits for a person, and what was proved last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tally.aws.buckets import Bucket
from tally.aws.queues import Queue
from tally.aws.table import Table
from tally.counting.items import PARKED_PK, kind_of, parked_at_of
from tally.kernel.instants import Instant
from tally.operations.results import Result, results

MOST_PARKED = 1_000


class Waiting(NamedTuple):
    """How many things wait, and since when the oldest of them; None if that cannot be known."""

    number: int
    oldest_at: Instant | None


@dataclass(frozen=True, slots=True)
class Standing:
    """`proofs`: what each check found last; one that never ran is absent. A number of 1,000 parked
    records or failed batches stands for as many or more. `parked_by_kind`: how many records were
    parked for each kind of reason, the most common first."""

    parked_records: Waiting
    parked_by_kind: Mapping[str, int]
    rejected_events: Waiting
    failed_batches: Waiting
    proofs: Mapping[str, Result]


def standing(table: Table, failed_batches: Bucket, rejected_events: Queue) -> Standing:
    """SQS tells the age of its oldest message as a metric only, so that of rejected events is not
    known here."""
    parked, by_kind = _parked_records(table)
    return Standing(
        parked_records=parked,
        parked_by_kind=by_kind,
        rejected_events=Waiting(rejected_events.waiting(), None),
        failed_batches=Waiting(*failed_batches.objects()),
        proofs={check: each for check, each in results(table).items() if each.ran},
    )


def _parked_records(table: Table) -> tuple[Waiting, dict[str, int]]:
    """The oldest comes first."""
    read = ["SK", "reason"]
    found = list(table.query(PARKED_PK, limit=MOST_PARKED, attributes=read, consistent=True))
    kinds = Counter(kind_of(item["reason"]) for item in found)
    oldest_at = parked_at_of(found[0]["SK"]) if found else None
    return Waiting(len(found), oldest_at), dict(kinds.most_common())
