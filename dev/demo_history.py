"""The demo's marketplace on a stack: its year is imported through the API, and its months are
stated and paid as of the days on which that would have happened."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from dev.demo_api import Api, Said, issue, post, request, send
from dev.demo_market import (
    BUYERS,
    CLIMATE,
    DATASETS,
    FILINGS,
    MARITIME,
    PROVIDERS,
    RESEARCH,
    TENANTS,
)
from dev.demo_year import late, year
from dev.stack import LocalStack
from dev.template import template
from ops.errors import OpsError
from tally.audit.model import SCHEDULE, Actor, ActorType
from tally.aws.queues import Queue
from tally.aws.table import Table
from tally.kernel.instants import Instant, plus, to_datetime
from tally.kernel.periods import Period, bounds
from tally.payouts.model.calendar import newest_ended
from tally.payouts.model.statements import statement_id
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.paying import change_status
from tally.payouts.reserves import DueReserves, release_all, send_due_reserves
from tally.payouts.runs import Outcome
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task, do_task, read_message

_RUNS_AT = timedelta(hours=6, seconds=1)  # after the last second of the month
_PAYS_IN, _PAID_IN = timedelta(days=2, hours=3), timedelta(days=4, hours=8)
_PROCESSING, _PAID, _FAILED = PayoutStatus.PROCESSING, PayoutStatus.PAID, PayoutStatus.FAILED
# How the newest statements stand; all others are paid.
_NEWEST: Mapping[str, Sequence[PayoutStatus]] = {
    MARITIME: (_PROCESSING, _PAID),
    FILINGS: (_PROCESSING, _FAILED),
    CLIMATE: (),
}
_PAYER = Actor(ActorType.OPERATOR, "make up")
_PATIENCE_S = 60


class MarketKeys(NamedTuple):
    """Keys of the provider and of the buyer that have most to show."""

    market_provider_key: str
    market_buyer_key: str


def load_year(stack: LocalStack, admin_key: str, now: Instant) -> MarketKeys:
    """Make the marketplace's tenants and the year that ends now, and wait until it is counted."""
    for provider in PROVIDERS:
        body = {"tenant_id": provider.tenant_id, "display_name": provider.name}
        post(stack, "/v1/admin/tenants", admin_key, body | {"fee_rate": provider.fee_rate})
    for buyer in BUYERS:
        body = {"tenant_id": buyer.tenant_id, "display_name": buyer.name}
        post(stack, "/v1/admin/tenants", admin_key, body)
    keys = {each: issue(stack, admin_key, each, "Dashboard")["key"] for each in TENANTS}
    _issue_more(stack, admin_key, keys[RESEARCH], now)

    said = [*year(to_datetime(now)), late(to_datetime(now))]
    send(stack, "/v1/events?backfill=true", admin_key, said[:-1])
    table = Table(stack.client("dynamodb"), stack.table_name)
    for period in ended_months(said, now):
        pay(table, period, now)
    send(stack, "/v1/events", admin_key, said[-1:])
    _wait_until_counted(stack, keys, said)
    return MarketKeys(keys[MARITIME], keys[RESEARCH])


def _issue_more(stack: Api, admin_key: str, buyer_key: str, now: Instant) -> None:
    """A key that expires, and a revoked one."""
    expires_at = f"{plus(now, timedelta(days=60))[:10]}T00:00:00Z"
    issue(stack, admin_key, RESEARCH, "Nightly export", expires_at=expires_at)
    retired = issue(stack, admin_key, RESEARCH, "Notebook of an analyst who left")
    request(stack, "DELETE", f"/v1/api-keys/{retired['api_key_id']}", buyer_key)


# ----------------------------------------------------------------------------- payouts


def ended_months(said: Sequence[Said], now: Instant) -> Sequence[Period]:
    """The months of these events that can be stated, oldest first."""
    months = sorted({each.time[:7] for each in said})
    return [month for month in months if month <= newest_ended(now)]


@dataclass
class _Inbox:
    """In place of SQS: messages stay in memory, to be handled at a moment of the past."""

    bodies: list[str] = field(default_factory=list)

    def send_message(self, **message: Any) -> None:
        self.bodies.append(message["MessageBody"])


def pay(table: Table, period: Period, now: Instant) -> None:
    """Do what the schedule, the queue and an operator do after a month: state it, release the
    reserves that are due, and pay. Nothing is done that would happen later than `now`."""
    at = plus(bounds(period)[1], _RUNS_AT)
    if at > now:
        return
    hold_for = timedelta(days=template()["Parameters"]["ReserveDays"]["Default"])
    inbox = _Inbox()
    queue = Queue(inbox, "in memory")
    start_run(table, queue, f"run_{period}", period, at, by=SCHEDULE)
    send_due_reserves(table, queue, at)
    for body in inbox.bodies:
        match read_message(body):
            case Task() as task:
                made = do_task(table, task, at, hold_for=hold_for)
                if made is Outcome.GENERATED and task.tenant_id in _NEWEST:
                    _settle(table, task, at, now)
            case DueReserves(reserves):
                release_all(table, reserves, at)


def _settle(table: Table, task: Task, made_at: Instant, now: Instant) -> None:
    """Pay a statement; the newest ones stand in different ways."""
    is_newest = task.period == newest_ended(now)
    statuses = _NEWEST[task.tenant_id] if is_newest else (_PROCESSING, _PAID)
    for status, after in zip(statuses, (_PAYS_IN, _PAID_IN), strict=False):
        at = plus(made_at, after)
        if at <= now:
            change_status(table, statement_id(*task.month), status, at, _PAYER)


# ---------------------------------------------------------------------------- counting


def _wait_until_counted(stack: Api, keys: Mapping[str, str], said: Sequence[Said]) -> None:
    """Wait until each tenant's dashboards show all of the year."""
    expected = dict(_counts_of(said))
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if all(_shown(stack, keys[tenant_id]) == expected[tenant_id] for tenant_id in keys):
            return
        time.sleep(0.1)
    raise OpsError("The demo's year was not counted in time; `make logs` tells more.")


def _counts_of(said: Sequence[Said]) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Of each tenant: objects, searches and accesses."""
    done = Counter((each.type, each.data["tenant_id"]) for each in said)
    objects = Counter[str]()
    for dataset in DATASETS:
        objects[dataset.tenant_id] += dataset.states.objects
    for tenant_id in TENANTS:
        searches = done["search.performed", tenant_id]
        yield tenant_id, (objects[tenant_id], searches, done["dataset.accessed", tenant_id])


def _shown(stack: Api, key: str) -> tuple[int, int, int]:
    dashboard = request(stack, "GET", "/v1/provider/dashboard", key)
    searches = request(stack, "GET", "/v1/agent/activity/searches?limit=1", key)
    accesses = request(stack, "GET", "/v1/agent/activity/accesses?limit=100", key)
    accessed = sum(row["access_count"] for row in accesses["accesses"])
    return dashboard["total_objects"], searches["total"], accessed
