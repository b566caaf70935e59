"""Months that were charged and stated, and statements as the API tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.kernel.instants import plus
from tally.kernel.periods import bounds, closes_at
from tally.payouts.model.statements import statement_id
from tally.payouts.runs import Run
from tests.builders import told
from tests.world import World

PAYOUTS = "/v1/provider/payouts"
RUNS = "/v1/admin/payout-runs"
AMOUNTS = ("gross_revenue", "seller_earnings", "held_amount", "released_amount")


def access(period: str, amount: str, dataset_id: str = "dset_1", **data: Any) -> dict[str, Any]:
    """A charge of the month, all of it the dataset's."""
    return told(
        "dataset.accessed",
        f"{period}-05T09:00:00Z",
        dataset_id=dataset_id,
        charged_amount=amount,
        **data,
    )


def refund(period: str, of: Mapping[str, Any], amount: str) -> dict[str, Any]:
    charge = {"source": of["source"], "id": of["id"]}
    return told("charge.refunded", f"{period}-06T09:00:00Z", charge_event=charge, amount=amount)


def state(world: World, period: str, *events: Mapping[str, Any]) -> Run:
    """The events are imported, and the month's run is made when it is due: at 06:00 on the 1st."""
    world.now = plus(closes_at(period), timedelta(hours=1))
    if events:
        answered = world.import_history(*events)
        assert answered.status == 202, answered
    return world.run_payouts(period)


def move(world: World, payout_id: str, status: Any) -> Answer:
    """The platform's word on how far a payment is."""
    return move_as(world, PLATFORM, payout_id, {"status": status})


def move_as(world: World, tenant_id: str, payout_id: str, body: Any) -> Answer:
    key = world.key(tenant_id, Scope.ADMIN)
    return world.request("POST", f"/v1/admin/payouts/{payout_id}/status", key=key, json_body=body)


def start(world: World, body: Any, tenant_id: str = PLATFORM) -> Answer:
    return world.request("POST", RUNS, key=world.key(tenant_id, Scope.ADMIN), json_body=body)


def look(world: World, url: str = PAYOUTS, tenant_id: str = "north", **headers: str) -> Answer:
    key = world.key(tenant_id, Scope.BILLING_READ)
    return world.request("GET", url, key=key, headers=headers)


def detail(world: World, period: str, tenant_id: str = "north", currency: str = "USD") -> Any:
    """The `data` of a statement."""
    url = f"{PAYOUTS}/{statement_id(tenant_id, period, currency)}"
    return world.get(url, tenant_id, Scope.BILLING_READ)


def amounts(world: World, tenant_id: str = "north") -> dict[tuple[str, str], list[str]]:
    """Month and currency -> a statement's four amounts, of all statements in the list's order."""
    payouts = world.get(PAYOUTS, tenant_id, Scope.BILLING_READ)["payouts"]
    return {
        (each["billing_period_start"][:7], each["currency"]): [str(each[a]) for a in AMOUNTS]
        for each in payouts
    }


def listed(
    period: str,
    *written: str,
    tenant_id: str = "north",
    currency: str = "USD",
    status: str = "pending",
) -> dict[str, Any]:
    """A statement of these four amounts as the list shows it, made when its run was due."""
    first, last = bounds(period)
    return {
        "payout_statement_id": statement_id(tenant_id, period, currency),
        "billing_period_start": f"{first[:19]}Z",
        "billing_period_end": f"{last[:19]}Z",
        **{name: Decimal(amount) for name, amount in zip(AMOUNTS, written, strict=True)},
        "currency": currency,
        "status": status,
        "created_at": f"{closes_at(period)[:11]}06:00:00Z",
    }
