"""GET and PATCH /v1/admin/tenants/{id}: what of a tenant may change, and what may not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.access.model.tenants import Tenant
from tally.access.tenants import change_tenant, get_tenant
from tests import builders
from tests.api.answers import answer, failure, invalid, success
from tests.api.keys import TENANTS
from tests.api.logs import lines_of, written_text
from tests.api.statements import access, detail
from tests.faults import Fault, FaultyClient, rival
from tests.operators import OPERATOR
from tests.world import World

ACME = f"{TENANTS}/acme"
AS_CREATED: Mapping[str, Any] = {
    "tenant_id": "acme",
    "display_name": "Acme",
    "billing_currency": "USD",
    "fee_rate": "0.30",
    "reserve_rate": "0.10",
    "requests_per_minute": None,
    "query_text_retention_days": None,
    "created_at": "2026-04-05T10:00:00Z",
}


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme and rival. The platform's key was used before."""
    builders.market(world, "acme", "rival")
    assert show(world).status == 200
    return world


def patch(world: World, body: Any, url: str = ACME) -> Answer:
    return world.request("PATCH", url, key=world.key(PLATFORM, Scope.ADMIN), json_body=body)


def show(world: World, url: str = ACME) -> Answer:
    return world.request("GET", url, key=world.key(PLATFORM, Scope.ADMIN))


def shown(**changed: Any) -> Answer:
    """acme as it was created, but for what was changed."""
    return answer(200, success({**AS_CREATED, **changed}))


def refused(field: str, reason: str) -> Answer:
    return answer(400, failure("invalid_request", reason, (field, reason)))


# -------------------------------------------------------------------- what may change


def test_a_tenant_is_shown(market: World) -> None:
    assert show(market) == shown()


@pytest.mark.parametrize(
    ("sent", "becomes"),
    [
        ({"display_name": "Übersee GmbH"}, {}),
        ({"fee_rate": "0.9"}, {}),
        ({"fee_rate": 0.25}, {"fee_rate": "0.25"}),
        ({"reserve_rate": "0.700000"}, {}),
        ({"fee_rate": "1", "reserve_rate": "0"}, {}),
        ({"fee_rate": "0", "reserve_rate": "1"}, {}),
        ({"requests_per_minute": 0}, {}),
        ({"requests_per_minute": 1_000_000}, {}),
        ({"query_text_retention_days": 1}, {}),
        ({"query_text_retention_days": 36_500}, {}),
    ],
)
def test_what_is_sent_changes_and_all_else_stays(
    sent: dict[str, Any], becomes: dict[str, Any], market: World
) -> None:
    changed = shown(**(sent | becomes))

    assert patch(market, sent) == changed
    assert show(market) == changed
    assert show(market, f"{TENANTS}/rival").body["data"]["fee_rate"] == "0.30"


def test_changes_add_up_and_null_takes_a_limit_back(market: World) -> None:
    limits = {"requests_per_minute": 50, "query_text_retention_days": 30}

    assert patch(market, limits) == shown(**limits)
    assert patch(market, {"display_name": "New"}) == shown(display_name="New", **limits)
    assert patch(market, {"requests_per_minute": None}) == shown(
        display_name="New", query_text_retention_days=30
    )
    assert patch(market, dict.fromkeys(limits)) == shown(display_name="New")
    assert show(market) == shown(display_name="New")


def test_a_tenant_may_be_created_with_limits(market: World) -> None:
    limits = {"requests_per_minute": 50, "query_text_retention_days": 30}
    sent = {"tenant_id": "new", "display_name": "New", **limits}

    made = market.request("POST", TENANTS, key=market.key(PLATFORM, Scope.ADMIN), json_body=sent)

    expected = success({**AS_CREATED, **sent})
    assert made == answer(201, expected)
    assert show(market, f"{TENANTS}/new") == answer(200, expected)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"unknown": 1, "created_at": "2000-01-01T00:00:00Z", "status": None},
        {"display_name": "Acme", "fee_rate": "0.30", "reserve_rate": 0.1},
        {"fee_rate": "0.3"},
        {"requests_per_minute": None, "query_text_retention_days": None},
        {"tenant_id": "acme", "billing_currency": "USD"},
    ],
)
def test_what_changes_nothing_writes_nothing(body: dict[str, Any], market: World) -> None:
    with market.unchanged():
        assert patch(market, body) == shown()


def test_what_is_written_otherwise_stays_as_it_was(market: World) -> None:
    assert patch(market, {"fee_rate": "0.3", "reserve_rate": "0.2"}) == shown(reserve_rate="0.2")
    assert show(market) == shown(reserve_rate="0.2")


def test_a_statement_has_the_rates_in_force_when_it_is_made(world: World) -> None:
    market = builders.market(world, "acme", north=["dset_1"])
    for month in ("2026-02", "2026-03"):
        assert market.import_history(access(month, "1250.00")).status == 202
    market.run_payouts("2026-02")

    patch(market, {"fee_rate": "0.25", "reserve_rate": "0.05"}, f"{TENANTS}/north")
    market.run_payouts("2026-03")

    rates = "fee_rate", "reserve_rate", "platform_fee", "held_amount"
    made = [detail(market, month) for month in ("2026-02", "2026-03")]
    assert [[str(each[name]) for name in rates] for each in made] == [
        ["0.30", "0.10", "375.00", "125.00"],
        ["0.25", "0.05", "312.50", "62.50"],
    ]


# ------------------------------------------------------------------------ what may not


NO_NUMBER: tuple[Any, ...] = ("", "5", True, 5.5, [], {}, 10**400)
WRONG: Mapping[str, tuple[Any, ...]] = {
    "display_name": (5, None, "", "   ", "x" * 257, "a\0b", "\u202eevil", []),
    "fee_rate": (None, "", "abc", -0.1, "1.1", "0.1234567", "1e-1", True, []),
    "reserve_rate": (None, "", "abc", -0.1, "1.1", "0.1234567", "1e-1", True, []),
    "requests_per_minute": (*NO_NUMBER, -1, 1_000_001),
    "query_text_retention_days": (*NO_NUMBER, 0, 36_501),
    "tenant_id": (5, [], True),
    "billing_currency": (5, [], True),
}


@pytest.mark.parametrize("field", WRONG)
def test_wrong_values_change_nothing(field: str, market: World) -> None:
    with market.unchanged():
        for value in WRONG[field]:
            answered = patch(market, {"display_name": "New", field: value})
            (detail,) = answered.body["error"]["details"]
            assert answered == answer(400, invalid((field, detail["message"]))), value


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("tenant_id", ("rival", "ACME", "", None)),
        ("billing_currency", ("EUR", "usd", "", None)),
    ],
)
def test_what_never_changes_is_said(field: str, values: tuple[Any, ...], market: World) -> None:
    with market.unchanged():
        answers = [patch(market, {"display_name": "New", field: value}) for value in values]

    assert answers == [refused(field, f"{field} never changes; leave it out.")] * len(values)


def too_much(field: str, fee: str, reserve: str) -> Answer:
    return refused(
        field,
        f"fee_rate ({fee}) plus reserve_rate ({reserve}) must be at most 1; send both to change "
        "them together.",
    )


def test_rates_are_no_more_than_all_with_the_one_that_stays(market: World) -> None:
    with market.unchanged():
        answers = [
            patch(market, {"fee_rate": "0.900001"}),
            patch(market, {"reserve_rate": "0.700001"}),
            patch(market, {"fee_rate": "0.6", "reserve_rate": "0.5"}),
        ]

    assert answers == [
        too_much("fee_rate", "0.900001", "0.10"),
        too_much("reserve_rate", "0.30", "0.700001"),
        too_much("fee_rate", "0.6", "0.5"),
    ]
    assert patch(market, {"fee_rate": "0", "reserve_rate": "1"}).status == 200


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("tenant_id", ["nobody", "TENANT", "x" * 64])
def test_unknown_ids(method: str, tenant_id: str, market: World) -> None:
    key, body = market.key(PLATFORM, Scope.ADMIN), {"display_name": "New"}

    with market.unchanged():
        answered = market.request(method, f"{TENANTS}/{tenant_id}", key=key, json_body=body)

    message = f"Tenant {tenant_id} does not exist."
    assert answered == answer(404, failure("not_found", message))


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("path", ["a%20b", "x" * 65, "acme#", "ä", "\ud800", "acme%23", "%00"])
def test_ids_that_cannot_be_are_unknown_too(method: str, path: str, market: World) -> None:
    key = market.key(PLATFORM, Scope.ADMIN)
    body = {"display_name": "New"} if method == "PATCH" else None

    with market.unchanged():
        answered = market.request(method, f"{TENANTS}/{path}", key=key, json_body=body)

    message = answered.body["error"]["message"]
    assert answered == answer(404, failure("not_found", message))
    assert message.startswith(("Tenant ", "No such path."))


# ------------------------------------------------------------------------- concurrency


def meet(world: World, fault: Fault, writes: int = 0) -> FaultyClient:
    """The next transaction, or the one after so many, meets the fault."""
    client = FaultyClient(world.table.client)
    stand_in: Any = client
    world.table = replace(world.table, client=stand_in)
    client.after(writes, fault)
    return client


def changing(world: World, **wanted: Any) -> Fault:
    """Somebody else changes acme first."""
    table = world.table
    return rival(lambda: change_tenant(table, "acme", wanted, world.now, OPERATOR))


def stored(world: World) -> Tenant:
    tenant = get_tenant(world.table, "acme")
    assert tenant
    return tenant


def test_two_changes_at_once_are_both_made(market: World) -> None:
    meet(market, changing(market, display_name="Rival's"))

    assert patch(market, {"fee_rate": "0.2"}) == shown(display_name="Rival's", fee_rate="0.2")

    assert show(market) == shown(display_name="Rival's", fee_rate="0.2")


def test_two_rates_at_once_are_no_more_than_all(market: World) -> None:
    meet(market, changing(market, reserve_rate=Decimal("0.7")))

    assert patch(market, {"fee_rate": "0.9"}) == too_much("fee_rate", "0.9", "0.7")

    assert show(market) == shown(reserve_rate="0.7")


def test_a_change_that_was_made_meanwhile_is_not_made_again(market: World) -> None:
    meet(market, changing(market, fee_rate=Decimal("0.2")))

    assert patch(market, {"fee_rate": "0.2"}) == shown(fee_rate="0.2")


def test_whoever_is_always_late_may_try_again(market: World) -> None:
    client = FaultyClient(market.table.client)
    table, real = market.table, market.table.client
    stand_in: Any = client
    market.table = replace(market.table, client=stand_in)
    names = iter(range(100))

    def get_in_first() -> None:
        wanted = {"display_name": f"Rival {next(names)}"}
        change_tenant(replace(table, client=real), "acme", wanted, market.now, OPERATOR)

    for n in range(20):
        client.after(n, rival(get_in_first))

    message = "Other requests keep changing this tenant; send the request again."
    with written_text() as written:
        assert patch(market, {"fee_rate": "0.2"}) == answer(
            503, failure("unavailable", message), Retry_After="1"
        )
    (line,) = (each for each in lines_of(written) if each["message"] == "request unavailable")
    assert "cause" not in line  # nothing failed: others were first
    assert stored(market).fee_rate == Decimal("0.30")


def test_a_body_is_read_exactly(market: World) -> None:
    """Numbers are decimals on their way in, and out."""
    key = market.key(PLATFORM, Scope.ADMIN)

    answered = market.request(
        "PATCH",
        ACME,
        key=key,
        body='{"fee_rate": 0.123456, "requests_per_minute": 7}',
        headers={"Content-Type": "application/json"},
    )

    assert answered == shown(fee_rate="0.123456", requests_per_minute=7)
    assert json.loads(answered.text)["data"]["fee_rate"] == "0.123456"
