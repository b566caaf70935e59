"""GET /v1/admin/health: what is parked, rejected or failed, and what the checks proved last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.aws.buckets import Bucket, failed_batches
from tally.aws.queues import Queue, rejected_events
from tally.http.arguments import Provided
from tally.http.dependencies import TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.instants import Instant, for_display
from tally.operations.results import Check, Result
from tally.operations.standing import Waiting, standing

endpoint = Endpoint(Scope.ADMIN, platform_only=True)

FailedBatches = Annotated[Bucket, Provided(failed_batches)]
RejectedEvents = Annotated[Queue, Provided(rejected_events)]

_MOST_NAMED = 20


class ProofResult(StrEnum):
    EQUAL = "equal"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class WaitingAnswer:
    """How many things wait for an operator, and since when the oldest does: null if there is none,
    or if that cannot be known."""

    number: int
    oldest_at: str | None


@dataclass(frozen=True, slots=True)
class ReasonAnswer:
    """Why records were parked, and how many of them."""

    reason: str
    number: int


@dataclass(frozen=True, slots=True)
class ParkedAnswer(WaitingAnswer):
    """With the reasons, the most common first; `tally parked list` tells each record's in full."""

    reasons: list[ReasonAnswer]


@dataclass(frozen=True, slots=True)
class ProofAnswer:
    """What a check found last: `wrong` names the tenants, currencies or statements that differ, the
    first 20 of them, and `differences` is the number of differences in all."""

    finished_at: str
    result: ProofResult
    differences: int
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class ProofsAnswer:
    """The last proof of each kind; null if there is none yet. One of `counters` recounts the next
    ten tenants and all that differed before."""

    counters: ProofAnswer | None
    books: ProofAnswer | None
    statements: ProofAnswer | None


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """Of parked records and failed batches, 1,000 stands for as many or more. Of rejected events,
    the number is SQS's estimate, and the oldest is not known: null."""

    parked_records: ParkedAnswer
    rejected_events: WaitingAnswer
    failed_batches: WaitingAnswer
    proofs: ProofsAnswer


@endpoint.get("/v1/admin/health")
def show_health(table: TheTable, batches: FailedBatches, rejected: RejectedEvents) -> HealthAnswer:
    found = standing(table, batches, rejected)
    return HealthAnswer(
        parked_records=_parked(found.parked_records, found.parked_by_kind),
        rejected_events=_waiting(found.rejected_events),
        failed_batches=_waiting(found.failed_batches),
        proofs=ProofsAnswer(
            counters=_proof(found.proofs.get(Check.COUNTERS)),
            books=_proof(found.proofs.get(Check.BOOKS)),
            statements=_proof(found.proofs.get(Check.STATEMENTS)),
        ),
    )


def _waiting(waiting: Waiting) -> WaitingAnswer:
    return WaitingAnswer(number=waiting.number, oldest_at=_time(waiting.oldest_at))


def _parked(waiting: Waiting, by_kind: Mapping[str, int]) -> ParkedAnswer:
    reasons = [ReasonAnswer(reason=kind, number=number) for kind, number in by_kind.items()]
    return ParkedAnswer(number=waiting.number, oldest_at=_time(waiting.oldest_at), reasons=reasons)


def _time(instant: Instant | None) -> str | None:
    return for_display(instant) if instant else None


def _proof(result: Result | None) -> ProofAnswer | None:
    if result is None:
        return None
    return ProofAnswer(
        finished_at=for_display(result.finished_at),
        result=ProofResult.DIFFERENT if result.wrong else ProofResult.EQUAL,
        differences=sum(result.wrong.values()),
        wrong=sorted(result.wrong)[:_MOST_NAMED],
    )


handler = endpoint.handler
