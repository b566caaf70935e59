"""The probe: one event on its whole way, into the API, over the stream, and out of a dashboard.

`tally smoke` runs it after a deployment. It works on a tenant of its own, with keys of its own,
and takes back what it did, even if it fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from tally.access.model.scopes import Scope
from tally.access.temporary import temporary_api_key
from tally.access.tenants import ensure_tenant
from tally.audit.model import SCHEDULE, Actor
from tally.aws.table import Table
from tally.kernel.clock import current_instant
from tally.kernel.instants import Instant
from tally.kernel.masking import masked
from tally.operations.calls import Call, Reply

EVENTS = "/v1/events"
DASHBOARD = "/v1/provider/dashboard"
SOURCE = "/tally/probe"

_PAUSE_S = 0.5
_MOST_SHOWN = 300
# A new deployment may answer so for some seconds, and a busy API at any time.
_MAY_PASS = (403, 404, 429)


class ProbeFailed(Exception):
    """The message says which step failed, and how."""


class Passed(NamedTuple):
    """Seconds from an accepted event to the dashboard that shows it."""

    counted_s: float
    uncounted_s: float


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a probe waits for each step, in seconds, and what tells and passes the time."""

    patience_s: float = 120
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], Instant] = current_instant

    @property
    def longest(self) -> timedelta:
        """How long a whole probe takes at most."""
        return timedelta(seconds=10 * self.patience_s)


@dataclass(frozen=True, slots=True)
class Prober:
    """Probes the API behind `call`.

    `tenant_id` is a tenant for this alone, which nobody else probes at the same time.
    """

    table: Table
    platform_tenant_id: str
    tenant_id: str
    call: Call
    timing: Timing = Timing()
    actor: Actor = SCHEDULE

    def run(self) -> Passed:
        """Creates a dataset and deletes it; ProbeFailed unless both show in the dashboard."""
        with self._keys() as (sender, reader):
            trip = _Trip(self, sender, reader)
            if trip.datasets():  # an earlier probe was killed
                trip.delete_dataset()
            with trip.cleaning_up():
                counted_s = trip.create_dataset()
            return Passed(counted_s, trip.delete_dataset())

    @contextmanager
    def _keys(self) -> Iterator[tuple[str, str]]:
        """A key that sends events of the platform, and one that reads the tenant's dashboard."""
        with (
            self._key(self.platform_tenant_id, "Platform", Scope.EVENTS_WRITE) as sender,
            self._key(self.tenant_id, "Probe", Scope.USAGE_READ) as reader,
        ):
            yield sender, reader

    def _key(self, tenant_id: str, display_name: str, scope: Scope) -> AbstractContextManager[str]:
        now = self.timing.now()
        ensure_tenant(self.table, tenant_id, display_name, now, self.actor)
        return temporary_api_key(
            self.table,
            tenant_id,
            name="Probe",
            scopes=[scope],
            now=now,
            lifetime=self.timing.longest,
        )


class _Request(NamedTuple):
    method: str
    path: str
    api_key: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class _Trip:
    """The steps of one probe, with its keys."""

    prober: Prober
    sender: str
    reader: str

    def datasets(self) -> int:
        """How many datasets the dashboard shows."""
        reply = self._answered(_Request("GET", DASHBOARD, self.reader), 200)
        total: int = reply.body["data"]["total_datasets"]
        return total

    def create_dataset(self) -> float:
        """Seconds until it was counted."""
        self._send("dataset.created", name="Probe")
        return self._until_shown(1, "dataset.created")

    def delete_dataset(self) -> float:
        """Seconds until it was no longer counted."""
        self._send("dataset.deleted")
        return self._until_shown(0, "dataset.deleted")

    @contextmanager
    def cleaning_up(self) -> Iterator[None]:
        """Delete the dataset if what happens inside fails. What failed first is what is told."""
        try:
            yield
        except BaseException:
            with suppress(ProbeFailed):
                self._send("dataset.deleted", patience_s=0)
            raise

    def _send(self, kind: str, *, patience_s: float | None = None, **data: str) -> None:
        tenant_id = self.prober.tenant_id
        event = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": SOURCE,
            "type": kind,
            "time": self.prober.timing.now(),
            "data": {"tenant_id": tenant_id, "dataset_id": f"dset_{tenant_id}"[:64], **data},
        }
        # Sent again with the same id if the answer got lost: a duplicate is as good.
        self._answered(_Request("POST", EVENTS, self.sender, event), 202, patience_s)

    def _until_shown(self, expected: int, kind: str) -> float:
        timing = self.prober.timing
        begun = timing.monotonic()
        while (shown := self.datasets()) != expected:
            waited = timing.monotonic() - begun
            if waited > timing.patience_s:
                raise ProbeFailed(
                    f"{kind} was accepted, but {waited:.0f} s later the dashboard's total_datasets "
                    f"is still {shown}, not {expected}. See the log of CountChanges."
                )
            timing.sleep(_PAUSE_S)
        return timing.monotonic() - begun

    def _answered(self, request: _Request, expected: int, patience_s: float | None = None) -> Reply:
        """The reply with the expected status; tried again as long as another may come of it."""
        timing = self.prober.timing
        patience_s = timing.patience_s if patience_s is None else patience_s
        begun = timing.monotonic()
        while True:
            try:
                reply = self.prober.call(*request)
            except OSError as error:
                problem, may_pass = f"got no answer: {error}", True
            else:
                if reply.status == expected:
                    return reply
                said = masked(str(reply.body))[:_MOST_SHOWN]
                problem = f"was answered with {reply.status}: {said}"
                may_pass = reply.status in _MAY_PASS or reply.status >= 500
            if not may_pass or timing.monotonic() - begun >= patience_s:
                raise ProbeFailed(f"{request.method} {request.path} {problem}")
            timing.sleep(_PAUSE_S)
