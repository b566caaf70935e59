"""GET /v1/admin/audit: who did what, and that no deed is without its entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer, proxy_event
from functions.triggers.schedule.start_payouts import app as schedule
from tally.access.model.callers import Proof
from tally.access.model.scopes import Scope
from tally.audit.model import ActorType
from tally.payouts.model.statements import statement_id
from tests import builders
from tests.api.answers import INVALID_CURSOR, invalid, list_answer, success
from tests.api.keys import TENANTS
from tests.api.statements import access, move, start
from tests.api.test_tenant_changes import patch
from tests.faults import (
    Crash,
    Fault,
    FaultyClient,
    conflict,
    crash_after,
    crash_before,
    error_after,
)
from tests.world import World

AUDIT = "/v1/admin/audit"
AT = "2026-04-05T10:00:00Z"
MARCH = "2026-03"
SHOWN_WITH_IT = ("audit_id", "occurred_at")


@pytest.fixture
def market(world: World) -> World:
    """acme buys what is north's. Nothing in the trail but that the tenants were created."""
    builders.market(world, "acme", north=["dset_1"])
    assert world.import_history(access(MARCH, "1250.00")).status == 202
    assert len(entries(world)) == entries_count(world)
    return world


def look(world: World, query: str = "") -> Answer:
    return world.request("GET", f"{AUDIT}{query}", key=world.key(PLATFORM, Scope.ADMIN))


def page(world: World, query: str = "") -> Any:
    answered = look(world, query)
    assert answered.status == 200, answered
    return answered.body["data"]


def entries(world: World) -> list[dict[str, Any]]:
    """All of them, newest first."""
    found: list[dict[str, Any]] = []
    query = "?limit=100"
    while True:
        data = page(world, query)
        found += data["entries"]
        if data["next_cursor"] is None:
            assert data["total"] == len(found)
            return found
        query = f"?limit=100&cursor={data['next_cursor']}"


def entries_count(world: World) -> int:
    """As they are stored."""
    return sum(1 for item in world.items() if item["SK"]["S"].startswith("ENTRY#"))


def told_by(world: World, deed: Callable[[], Any]) -> list[dict[str, Any]]:
    """What the trail tells of a deed, and of nothing else."""
    before = {entry["audit_id"] for entry in entries(world)}
    deed()
    return [entry for entry in entries(world) if entry["audit_id"] not in before]


def by_key(world: World) -> dict[str, Any]:
    """The platform's administrator."""
    key = world.key(PLATFORM, Scope.ADMIN)
    return {
        "type": "api_key",
        "id": f"key_{key.split('_')[1]}",
        "tenant_id": PLATFORM,
        "ip_address": None,
    }


def entry(told: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"audit_id": told["audit_id"], "occurred_at": AT, **fields}


# ------------------------------------------------------------------------------ deeds


def create(world: World) -> Answer:
    body = {"tenant_id": "new", "display_name": "New", "requests_per_minute": 5}
    return world.request("POST", TENANTS, key=world.key(PLATFORM, Scope.ADMIN), json_body=body)


def change(world: World) -> Answer:
    return patch(world, {"fee_rate": "0.25", "requests_per_minute": 5, "display_name": "Acme"})


def pay(world: World) -> Answer:
    return start(world, {"period": MARCH})


def statement(world: World) -> str:
    world.run_payouts(MARCH)
    return statement_id("north", MARCH, "USD")


def test_a_tenant_is_created(market: World) -> None:
    (told,) = told_by(market, lambda: create(market))

    assert told == entry(
        told,
        actor=by_key(market),
        action="tenant.created",
        target="new",
        tenant_id="new",
        details={
            "display_name": "New",
            "billing_currency": "USD",
            "fee_rate": "0.30",
            "reserve_rate": "0.10",
            "requests_per_minute": 5,
            "query_text_retention_days": None,
        },
    )


def test_a_tenant_is_changed(market: World) -> None:
    (told,) = told_by(market, lambda: change(market))

    assert told == entry(
        told,
        actor=by_key(market),
        action="tenant.changed",
        target="acme",
        tenant_id="acme",
        details={
            "fee_rate": {"old": "0.30", "new": "0.25"},
            "requests_per_minute": {"old": None, "new": 5},
        },
    )


def test_what_is_the_same_as_before_is_no_deed(market: World) -> None:
    change(market)

    assert told_by(market, lambda: change(market)) == []
    assert told_by(market, lambda: patch(market, {"fee_rate": "2"})) == []
    create(market)
    assert told_by(market, lambda: create(market)) == []


def test_a_payout_run_is_started_by_hand(market: World) -> None:
    answers: list[Answer] = []

    (told,) = told_by(market, lambda: answers.append(pay(market)))

    assert told == entry(
        told,
        actor=by_key(market),
        action="payout_run.started",
        target=answers[0].body["data"]["payout_run_id"],
        tenant_id=None,
        details={"period": MARCH, "expected": 1},
    )


def test_a_payout_run_is_started_by_the_schedule_once(
    market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "default_table", lambda: market.table)
    monkeypatch.setattr(schedule, "payout_tasks", lambda: market.tasks)
    monkeypatch.setattr(schedule, "current_instant", lambda: market.now)

    (told,) = told_by(market, lambda: [schedule.handler({}, None) for _ in range(2)])

    assert told == entry(
        told,
        actor={"type": "schedule", "id": "schedule", "tenant_id": None, "ip_address": None},
        action="payout_run.started",
        target=f"run_{MARCH}",
        tenant_id=None,
        details={"period": MARCH, "expected": 1},
    )


def test_a_payouts_status_is_set(market: World) -> None:
    payout_id = statement(market)

    told = told_by(market, lambda: [move(market, payout_id, s) for s in ("processing", "failed")])

    assert sorted(told, key=lambda each: str(each["details"]["status"]["old"])) == [
        entry(
            each,
            actor=by_key(market),
            action="payout.status_changed",
            target=payout_id,
            tenant_id="north",
            details={
                "status": {"old": old, "new": new},
                "period": MARCH,
                "currency": "USD",
            },
        )
        for each, (old, new) in zip(
            sorted(told, key=lambda each: str(each["details"]["status"]["old"])),
            [("pending", "processing"), ("processing", "failed")],
            strict=True,
        )
    ]
    assert told_by(market, lambda: move(market, payout_id, "paid")) == []  # not allowed


def test_what_is_done_behind_the_api_names_the_operator(world: World) -> None:
    (told,) = told_by(world, lambda: world.tenant("acme"))

    assert told["actor"] == {
        "type": "operator",
        "id": "tests",
        "tenant_id": None,
        "ip_address": None,
    }


def test_the_address_is_the_callers(market: World) -> None:
    key = market.key(PLATFORM, Scope.ADMIN)
    headers = {
        "X-API-Key": key,
        "X-Forwarded-For": "203.0.113.9",
        "Content-Type": "application/json",
    }
    event = proxy_event("POST", TENANTS, headers, '{"display_name": "New"}')
    event["requestContext"]["identity"] = {"sourceIp": "198.51.100.7"}

    (told,) = told_by(market, lambda: market.invoke(event))

    assert told["actor"] == by_key(market) | {"ip_address": "198.51.100.7"}


def test_every_credential_is_a_type_of_actor() -> None:
    assert {proof.value for proof in Proof} <= {each.value for each in ActorType}


# ------------------------------------------------------------- neither without the other


DEEDS: Mapping[str, Callable[[World], Answer]] = {
    "create": create,
    "change": change,
    "pay": pay,
    "move": lambda world: move(world, statement_id("north", MARCH, "USD"), "processing"),
}
FAULTS: Mapping[str, tuple[Fault, bool]] = {
    "crash before": (crash_before, False),
    "crash after": (crash_after, True),
    "conflict": (conflict, True),
    "error after": (error_after, True),
}


@pytest.mark.slow
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_deed_and_its_entry_are_there_or_neither_is(deed: str, fault: str, market: World) -> None:
    statement(market)
    client = FaultyClient(market.table.client)
    stand_in: Any = client
    table, market.table = market.table, replace(market.table, client=stand_in)
    strike, happens = FAULTS[fault]

    def act() -> None:
        client.after(0, strike)
        try:
            answered = DEEDS[deed](market)
            assert answered.status in (200, 201, 202), answered
        except Crash:
            pass

    before = _deeds(market)
    told = told_by(market, act)

    market.table = table
    assert len(told) == int(happens)
    assert (_deeds(market) != before) is happens


def _deeds(world: World) -> list[dict[str, Any]]:
    """All that is stored, but for the trail."""
    return [item for item in world.items() if not item["PK"]["S"].startswith("AUDIT#")]


# ------------------------------------------------------------------------------- pages


def test_a_whole_page(market: World) -> None:
    create(market)
    market.wait(seconds=1)
    change(market)

    first = look(market, "?limit=1")

    (told,) = first.body["data"]["entries"]
    assert told["action"] == "tenant.changed"
    assert first == list_answer(
        200,
        success(
            {
                "entries": [told],
                "total": entries_count(market),
                "next_cursor": first.body["data"]["next_cursor"],
            },
            timestamp="2026-04-05T10:00:01Z",
        ),
    )
    second = page(market, f"?limit=1&cursor={first.body['data']['next_cursor']}")
    assert [each["action"] for each in second["entries"]] == ["tenant.created"]


@pytest.mark.parametrize("cursor", ["", "abc", "%00"])
def test_other_cursors_are_refused(cursor: str, market: World) -> None:
    assert look(market, f"?cursor={cursor}") == list_answer(400, INVALID_CURSOR)


def test_a_cursor_of_another_list_is_refused(market: World) -> None:
    key = market.key(PLATFORM, Scope.ADMIN)
    others = market.request("GET", f"{TENANTS}?limit=1", key=key).body["data"]["next_cursor"]

    assert others is not None
    assert look(market, f"?cursor={others}") == list_answer(400, INVALID_CURSOR)


@pytest.mark.parametrize("limit", ["0", "101", "x", ""])
def test_limits(limit: str, market: World) -> None:
    answered = look(market, f"?limit={limit}")

    (detail,) = answered.body["error"]["details"]
    assert answered == list_answer(400, invalid(("limit", detail["message"])))


def test_a_page_costs_the_same_however_long_the_trail_is(market: World) -> None:
    page(market, "?limit=2")

    def calls() -> list[str]:
        made: list[str] = []
        with market.on_call(made.append):
            page(market, "?limit=2")
        return made

    few = calls()
    for n in range(30):
        market.tenant(f"many-{n}")

    assert calls() == few
    assert few.count("Query") == few.count("BatchGetItem") == 1


def test_what_is_kept_is_as_long_as_the_parameter_says(
    market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_RETENTION_DAYS", "7")
    create(market)

    for days, is_shown in ((7, True), (1, False)):
        market.wait(days=days)
        targets = [each["target"] for each in entries(market)]
        assert ("new" in targets) is is_shown
