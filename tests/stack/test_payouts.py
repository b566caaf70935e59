"""Statements through the real queues: two runs at once, workers killed, the schedule twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from tally.aws.table import Table
from tally.kernel.clock import current_instant
from tally.payouts.model.calendar import newest_ended
from tally.payouts.model.statements import statement_id
from tally.payouts.runs import Run, list_runs
from tally.payouts.verifying import verify
from tests.builders import event
from tests.stack.client import Client, eventually


def table_of(client: Client) -> Table:
    return Table(client.stack.client("dynamodb"), client.stack.table_name)


def providers(client: Client, count: int, month: str) -> dict[str, str]:
    """New providers with 1250.00 of revenue each in a past month; tenant -> key."""
    made = dict(client.tenant() for _ in range(count))
    for tenant_id in made:
        about: dict[str, Any] = {"tenant_id": tenant_id, "dataset_id": f"{tenant_id}-d1"}
        created = event("dataset.created", f"{month}-01T00:00:00Z", id=str(uuid4()), **about)
        charges = [
            event(
                "dataset.accessed",
                f"{month}-15T12:00:00Z",
                id=str(uuid4()),
                **about,
                kind="download",
                charged_amount=amount,
                currency="USD",
            )
            for amount in ("1000.00", "250.00")
        ]
        path = "/v1/events?backfill=true"
        sent = client.call("POST", path, client.keys.admin_key, [created, *charges])
        assert sent["accepted"] == 3
    return made


def start(client: Client, period: str) -> str:
    body = {"period": period}
    run = client.call("POST", "/v1/admin/payout-runs", client.keys.admin_key, body)
    run_id: str = run["payout_run_id"]
    return run_id


def runs(client: Client) -> dict[str, Run]:
    return {run.run_id: run for run in list_runs(table_of(client))}


def shows_its_statement(client: Client, tenant_id: str, key: str, period: str) -> bool:
    listed = client.call("GET", "/v1/provider/payouts", key)
    (payout,) = listed["payouts"]
    assert listed["total"] == 1
    assert payout["payout_statement_id"] == statement_id(tenant_id, period, "USD")
    numbers = ("gross_revenue", "seller_earnings", "held_amount", "released_amount")
    assert [payout[name] for name in numbers] == [1250.00, 875.00, 125.00, 750.00]
    return verify(table_of(client), payout["payout_statement_id"]) is None


def test_two_runs_at_once_make_one_statement_each(client: Client) -> None:
    made = providers(client, 12, "2025-03")

    with ThreadPoolExecutor(2) as at_once:
        first, second = at_once.map(lambda _: start(client, "2025-03"), range(2))

    eventually(lambda: [runs(client)[run].is_finished for run in (first, second)], [True, True])
    both = [runs(client)[run] for run in (first, second)]
    assert [run.expected for run in both] == [12, 12]
    assert sum(run.generated for run in both) == 12
    assert sum(run.unchanged for run in both) == 12
    assert all(shows_its_statement(client, *one, "2025-03") for one in made.items())


def test_a_run_that_was_killed_is_finished_by_the_next(client: Client) -> None:
    made = providers(client, 12, "2025-04")
    start(client, "2025-04")
    eventually(lambda: client.stack.kill_workers("GeneratePayoutFunction") > 0, True)

    again = start(client, "2025-04")

    eventually(lambda: runs(client)[again].is_finished, True)
    assert runs(client)[again].failed == 0
    assert all(shows_its_statement(client, *one, "2025-04") for one in made.items())


def test_a_schedule_that_fires_twice_begins_one_run(client: Client) -> None:
    """The deployed schedule's own target, fired by the embedded AWS."""
    period = newest_ended(current_instant())
    made = providers(client, 2, period)
    scheduler = client.stack.client("scheduler")
    deployed = scheduler.list_schedules()["Schedules"]
    (monthly,) = (each for each in deployed if "StartPayouts" in each["Name"])
    target = scheduler.get_schedule(Name=monthly["Name"])["Target"]

    for n in range(2):
        scheduler.create_schedule(
            Name=f"once-{n}",
            ScheduleExpression="at(2025-08-01T06:00:00)",
            ActionAfterCompletion="DELETE",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )

    eventually(lambda: scheduler.list_schedules()["Schedules"], deployed)
    name = f"run_{period}"
    eventually(lambda: name in runs(client) and runs(client)[name].is_finished, True)
    of_period = [run for run in runs(client).values() if run.period == period]
    by_schedule = [run for run in of_period if run.started_by == "schedule"]
    assert by_schedule == [runs(client)[name]]
    (run,) = by_schedule
    assert (run.period, run.failed) == (period, 0)
    assert all(shows_its_statement(client, *one, period) for one in made.items())
