"""What one invocation takes of the function itself: CPU time, and the calls that it waits for.

The costs are reckoned from these (`dev/costs`). The caller's lists fill their first pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from dev.bench import samples
from dev.bench.figures import Figure, of_usage
from dev.bench.lab import BATCH, Lab
from dev.bench.payouts import in_key_conditions
from dev.bench.samples import Event
from dev.gateway import PLATFORM
from dev.stack import LocalStack
from dev.template import routes
from tally.access.model.scopes import Scope
from tally.audit.model import SCHEDULE
from tally.counting.engine import count
from tally.intake.cloudevents import MAX_EVENTS
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task, do_task

PART = "An invocation"
CPU = "CPU milliseconds"
ONE_UPLOAD, MANY_UPLOADS = "POST /v1/events with 1 upload", "POST /v1/events with 100 uploads"
ONE_SEARCH, MANY_SEARCHES = "POST /v1/events with 1 search", "POST /v1/events with 100 searches"
MANY_ACCESSES = "POST /v1/events with 100 accesses"
MANY_IDENTIFICATIONS = "POST /v1/events with 100 identifications"
ONE_CHANGE, MANY_CHANGES = "counting 1 change", "counting 100 changes"
STATEMENT = "making a statement of 5 datasets and 20 sales"

_CALLER = "bench-caller"  # provider, buyer and partner at once
_DATASETS = tuple(f"bench-called-{n}" for n in range(5))
_ORGANIZATIONS = tuple(f"org_{n}" for n in range(20))
_PROVIDERS = tuple(f"bench-paid-{n}" for n in range(20))
_SALES = 20
_TIMES = 20
_PERIOD = "2025-01"  # of the sample events
_HOLD_FOR = timedelta(days=90)
_ID_PARAMETERS = {
    "/v1/provider/datasets/{id}/analytics": _DATASETS[0],
    "/v1/admin/tenants/{id}": _CALLER,
}


class _Tasks:
    """A queue in memory."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_all(self, bodies: Iterator[str]) -> None:
        self.bodies += bodies


def measure(stack: LocalStack) -> Iterator[Figure]:
    """Calls, units and CPU time of each kind of invocation, warm, on a table of its own."""
    lab = Lab.on(stack, "bench-invocations")
    _fill(lab)
    yield from _post(lab)
    yield from _count(lab)
    yield from _pay(lab)
    yield from _get(lab)


def _fill(lab: Lab) -> None:
    for tenant_id in (_CALLER, *_PROVIDERS):
        lab.tenant(tenant_id)
    lab.post([samples.created(_CALLER, each) for each in _DATASETS])
    lab.post([samples.organization(_CALLER, each) for each in _ORGANIZATIONS])
    lab.post([samples.access(_CALLER, each) for each in _DATASETS * 4])


def _post(lab: Lab) -> Iterator[Figure]:
    def uploads(number: int) -> list[Event]:
        return samples.uploads([(_CALLER, each) for each in _DATASETS], number)

    def searches(number: int) -> list[Event]:
        return [samples.search(_CALLER, _DATASETS[:1]) for _ in range(number)]

    def accesses(number: int) -> list[Event]:
        return [samples.access(_CALLER, _DATASETS[n % 5]) for n in range(number)]

    def identifications(number: int) -> list[Event]:
        return [samples.identification(_CALLER, _ORGANIZATIONS[0]) for _ in range(number)]

    for name, make, number in (
        (ONE_UPLOAD, uploads, 1),
        (MANY_UPLOADS, uploads, MAX_EVENTS),
        (ONE_SEARCH, searches, 1),
        (MANY_SEARCHES, searches, MAX_EVENTS),
        (MANY_ACCESSES, accesses, MAX_EVENTS),
        (MANY_IDENTIFICATIONS, identifications, MAX_EVENTS),
    ):
        first, *requests = [make(number) for _ in range(_TIMES + 1)]
        lab.post(first)  # from now on the process knows the month's registers
        yield from _repeated(lab, name, [partial(lab.post, request) for request in requests])


def _count(lab: Lab) -> Iterator[Figure]:
    lab.count()
    lab.post(samples.uploads([(_CALLER, each) for each in _DATASETS], _TIMES * (BATCH + 1)))
    changes = lab.changes()
    for name, number in ((ONE_CHANGE, 1), (MANY_CHANGES, BATCH)):
        batches = [changes[n * number :][:number] for n in range(_TIMES)]
        changes = changes[_TIMES * number :]
        yield from _repeated(
            lab, name, [partial(count, lab.table, batch, lab.now) for batch in batches]
        )


def _pay(lab: Lab) -> Iterator[Figure]:
    """Sales of a month of the past, imported, and the statements of all providers."""
    admin = lab.new_key(PLATFORM, Scope.ADMIN)

    def post(events: Sequence[Event]) -> None:
        lab.request("POST", "/v1/events", admin, query={"backfill": "true"}, body=events)

    for provider in (*_PROVIDERS, _CALLER):
        owned = [f"{provider}-{n}" for n in range(5)]
        post([samples.created(provider, each) for each in owned])
        post([samples.search(_CALLER, [owned[n % 5]]) for n in range(_SALES)])
    lab.count()
    tasks: Any = _Tasks()
    start_run(lab.table, tasks, "run_bench", _PERIOD, lab.now, by=SCHEDULE)
    made = [
        partial(do_task, lab.table, Task.from_json(body), lab.now, hold_for=_HOLD_FOR)
        for body in tasks.bodies
    ]
    with in_key_conditions(lab.table.client, whole_items=True):
        yield from _repeated(lab, STATEMENT, made)


def _get(lab: Lab) -> Iterator[Figure]:
    callers = lab.new_key(_CALLER, *(scope for scope in Scope if scope is not Scope.ADMIN))
    admins = lab.new_key(PLATFORM, Scope.ADMIN)
    (statement, *_) = lab.request("GET", "/v1/provider/payouts", callers)["payouts"]
    ids = _ID_PARAMETERS | {"/v1/provider/payouts/{id}": statement["payout_statement_id"]}
    for route in routes():
        if route.method != "GET":
            continue
        path = route.path.replace("{id}", ids.get(route.path, ""))
        key = admins if path.startswith("/v1/admin/") else callers
        lab.request("GET", path, key)  # from now on the key is known
        get = partial(lab.request, "GET", path, key)
        yield from _repeated(lab, str(route), [get] * _TIMES)


def _repeated(lab: Lab, name: str, acts: Sequence[Callable[[], object]]) -> Iterator[Figure]:
    """The mean of several. The CPU time includes that of the meter, which is small."""
    with lab.meter.measure() as usage:
        begun = time.process_time()
        for act in acts:
            act()
        milliseconds = (time.process_time() - begun) / len(acts) * 1000
    yield from of_usage(PART, name, usage, len(acts))
    yield Figure(PART, name, milliseconds, CPU)
