"""Months that were charged and stated, and statements as the API tells of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import batched
from typing import Any

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.kernel.instants import plus
from tally.kernel.keys import Key
from tally.kernel.periods import bounds, closes_at
from tally.payouts.items import (
    LINES_PREFIX,
    StatedLines,
    payout_by_id_key,
    payout_key,
    payout_lines_key,
    stated_lines_attributes,
)
from tally.payouts.model.statements import statement_id
from tally.payouts.reserves import due_reserves, release
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


def rewrite_lines(
    world: World,
    period: str,
    rows: Sequence[Sequence[Any]],
    *,
    tenant_id: str = "north",
    an_item: int = 250,
) -> None:
    """Put other lines in the place of a statement's own.

    Each row: dataset, its name, amount, entries.
    """
    table, key = world.table, payout_key(tenant_id, period, "USD")
    stored = table.get(key, consistent=True)
    assert stored
    pk, attempt = payout_by_id_key(stored["statement_id"]).pk, stored["attempt"]
    for item in list(table.query(pk, LINES_PREFIX)):
        table.transact([table.delete(Key(item["PK"], item["SK"]))])
    for some in batched(rows, an_item, strict=False):
        last_dataset_id = some[-1][0]
        item_key = payout_lines_key(stored["statement_id"], attempt, last_dataset_id)
        table.transact([table.put(item_key, {"lines": some})])
    said = StatedLines(attempt, len(rows), sum(amount for *_, amount, _ in rows))
    attributes = {name: value for name, value in stored.items() if name not in ("PK", "SK")}
    table.transact([table.put(key, attributes | stated_lines_attributes(said))])


def forget_attempt(world: World, period: str, tenant_id: str = "north") -> None:
    """Make a statement what it was before it named an attempt, and had numbered items of lines."""
    table, key = world.table, payout_key(tenant_id, period, "USD")
    stored = table.get(key, consistent=True)
    assert stored
    for n, item in enumerate(list(table.query(f"PAYOUT#{stored['statement_id']}", LINES_PREFIX))):
        old = Key(item["PK"], f"LINES#{n:03}")
        move = [table.put(old, {"lines": item["lines"]}), table.delete(Key(item["PK"], item["SK"]))]
        table.transact(move)
    table.transact([table.update(key, "REMOVE attempt, line_count, exact")])


def shown(world: World, period: str, accept: str = "application/json") -> Answer:
    """north's statement of the month."""
    return look(world, f"{PAYOUTS}/{statement_id('north', period, 'USD')}", Accept=accept)


def release_reserves(world: World) -> None:
    """What the schedule does on its way."""
    assert all(release(world.table, due, world.now) for due in due_reserves(world.table, world.now))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.split("\r\n"), strict=True))


def assert_adds_up(world: World, period: str) -> None:
    """What a spreadsheet makes of the columns is what the statement says."""
    told_of = detail(world, period)
    read = rows(shown(world, period, "text/csv").text)
    sums = {
        column: sum(Decimal(row[column]) for row in read if row[column])
        for column in ("amount", "reserve")
    }
    reserve = told_of["reserve"]
    assert sums == {"amount": told_of["released_amount"], "reserve": reserve["still_held"]}
    paid = told_of["released_amount"] + told_of["held_amount"] + told_of["carried_over"]
    assert paid == told_of["seller_earnings"] + told_of["carried_in"]
