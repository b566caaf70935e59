"""GET /partner/organizations/usage: what each organization used in a month, largest first."""

from __future__ import annotations

from itertools import batched
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dev.gateway import Answer
from tests import builders
from tests.api.answers import invalid, partner_failure
from tests.api.portfolios import (
    ORGANIZATIONS_USAGE,
    SERIES,
    as_list,
    ask,
    identified,
    ok,
    organization,
    used,
)
from tests.builders import happen
from tests.portfolios import portfolio_histories, usage_of_organizations
from tests.world import World, new_world


@pytest.fixture
def portfolio(world: World) -> World:
    return builders.portfolio(world)


def shown(body: Any) -> Answer:
    return as_list(ok(body))


def row(
    organization_id: str, identifications: int = 0, credits_used: int = 0, **fields: Any
) -> dict[str, Any]:
    """Of one event that identified somebody, unless it is said otherwise."""
    return {
        "id": organization_id,
        "name": "Harbour Analytics",
        "identifications": identifications,
        "creditsUsed": credits_used,
        "quantity": identifications,
        "events": 1,
        "deleted": False,
    } | fields


def listed(
    month: str, *rows: dict[str, Any], total: int | None = None, page: int = 1, size: int = 20
) -> dict[str, Any]:
    return {
        "month": month,
        "organizations": list(rows),
        "total": len(rows) if total is None else total,
        "page": page,
        "pageSize": size,
    }


def test_the_organizations_of_a_month_with_most_identifications_first(portfolio: World) -> None:
    happen(
        portfolio,
        organization("created", "org_2", name="Second"),
        organization("created", "org_3"),
        organization("created", "org_4"),  # which uses nothing
        identified("2026-03-31T23:59:59.999Z", 100, organization_id="org_2"),
        identified("2026-04-01T00:00:00Z", 7, organization_id="org_2", credits=3),
        identified("2026-04-05T00:00:00Z", 5, organization_id="org_2"),
        used("2026-04-02T12:00:00Z", 30, organization_id="org_3"),
        identified("2026-04-02T12:00:00Z", 20),
        identified("2026-04-02T12:00:00Z", 999, partner_id="rival"),
    )

    april = listed(
        "2026-04",
        row("org_1", 20, 20),
        row("org_2", 12, 8, name="Second", events=2),
        row("org_3", quantity=30),
    )
    assert ask(portfolio, f"{ORGANIZATIONS_USAGE}?month=2026-04") == shown(april)
    assert ask(portfolio, ORGANIZATIONS_USAGE) == shown(april)
    march = listed("2026-03", row("org_2", 100, 100, name="Second"))
    assert ask(portfolio, f"{ORGANIZATIONS_USAGE}?month=2026-03") == shown(march)
    rival = listed("2026-04", row("org_1", 999, 999))
    assert ask(portfolio, ORGANIZATIONS_USAGE, "rival") == shown(rival)


def test_equals_are_in_order_of_their_quantity_and_then_of_their_ids(portfolio: World) -> None:
    happen(
        portfolio,
        *[organization("created", each) for each in ("org_b", "org_a", "org_c", "Org_d")],
        *[identified("2026-04-02T12:00:00Z", 5, organization_id=each) for each in ("org_b",)],
        identified("2026-04-02T12:00:00Z", 5, organization_id="org_a"),
        identified("2026-04-02T12:00:00Z", 5, organization_id="org_c"),
        identified("2026-04-02T12:00:00Z", 5, organization_id="Org_d"),
        used("2026-04-02T12:00:00Z", 1, organization_id="org_c"),
    )

    told = ask(portfolio, ORGANIZATIONS_USAGE).body["organizations"]
    assert [each["id"] for each in told] == ["org_c", "Org_d", "org_a", "org_b"]


def test_a_deleted_organization_keeps_its_row_and_its_last_name(portfolio: World) -> None:
    happen(
        portfolio,
        identified("2026-04-02T12:00:00Z", 5),
        organization("updated", "org_1", "2026-04-03T00:00:00Z", name="Last name"),
        organization("deleted", "org_1", "2026-04-04T00:00:00Z"),
    )
    gone = row("org_1", 5, 5, name="Last name", deleted=True)
    assert ask(portfolio, ORGANIZATIONS_USAGE) == shown(listed("2026-04", gone))

    happen(portfolio, organization("created", "org_1", "2026-04-05T09:00:00Z", name="Back"))
    back = row("org_1", 5, 5, name="Back")
    assert ask(portfolio, ORGANIZATIONS_USAGE) == shown(listed("2026-04", back))


def test_a_use_of_nothing_is_a_use(portfolio: World) -> None:
    happen(portfolio, used("2026-04-02T12:00:00Z", 0))

    assert ask(portfolio, ORGANIZATIONS_USAGE) == shown(listed("2026-04", row("org_1")))


def test_a_partner_without_usage(world: World) -> None:
    world.tenant("acme")

    assert ask(world, ORGANIZATIONS_USAGE) == shown(listed("2026-04"))
    assert ask(world, f"{ORGANIZATIONS_USAGE}?month=2999-12") == shown(listed("2999-12"))


def test_pages_have_each_organization_once(portfolio: World) -> None:
    """In requests of 100 organizations each, which are too many for one entry of usage."""
    ids = [f"org_{n:03}" for n in range(130)]
    events = [organization("created", each) for each in ids]
    events += [
        identified("2026-04-02T12:00:00Z", n, organization_id=each)
        for n, each in enumerate(ids, start=1)
    ]
    for request in batched(events, 100, strict=False):
        happen(portfolio, *request)

    def page(number: int, size: int = 50) -> dict[str, Any]:
        url = f"{ORGANIZATIONS_USAGE}?page={number}&pageSize={size}"
        answered: dict[str, Any] = ask(portfolio, url).body
        assert [answered[each] for each in ("page", "pageSize", "total")] == [number, size, 130]
        return answered

    pages = [page(number) for number in (1, 2, 3, 4)]
    ids_shown = [each["id"] for told in pages for each in told["organizations"]]
    assert ids_shown == ids[::-1]
    assert [len(told["organizations"]) for told in pages] == [50, 50, 30, 0]
    assert page(1_000_000_000, 100)["organizations"] == []


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        *[
            (f"month={month}", "month", "must be a month, such as 2026-03")
            for month in (
                "",
                "2026",
                "2026-4",
                "2026-13",
                "2026-00",
                "2026-04-05",
                "202604",
                "%D9%A2026-04",
            )
        ],
        ("month=1999-12", "month", "must not be before 2000-01-01"),
        ("month=2026-03&month=2026-04", "month", "must not be sent twice"),
        ("page=0", "page", "must be at least 1"),
        ("pageSize=101", "pageSize", "must be at most 100"),
        ("pageSize=x", "pageSize", "must be an integer"),
    ],
)
def test_what_is_malformed(query: str, field: str, rule: str, portfolio: World) -> None:
    message = invalid((field, rule))["error"]["message"]
    refused = as_list(partner_failure(400, message, **{field: rule}))
    assert ask(portfolio, f"{ORGANIZATIONS_USAGE}?{query}") == refused


def test_a_page_is_two_reads(portfolio: World) -> None:
    """Beside those of the key and the limit."""
    happen(portfolio, identified("2026-04-02T12:00:00Z"))
    calls: list[str] = []
    ask(portfolio, ORGANIZATIONS_USAGE)  # which makes the key
    with portfolio.on_call(calls.append):
        ask(portfolio, ORGANIZATIONS_USAGE)
    assert calls == ["GetItem", "GetItem", "Query", "BatchGetItem"]


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(portfolio_histories())
def test_organizations_sum_to_their_partners_months(history: list[dict[str, Any]]) -> None:
    """And say what was accepted."""
    with new_world() as world:
        for partner in ("acme", "globex"):
            world.tenant(partner)
        taken = [each for each in history if world.send(each).body["data"]["accepted"]]
        world.deliver()
        for partner in ("acme", "globex"):
            own = [each for each in taken if each["data"]["partner_id"] == partner]
            for month in ("2024-02", "2026-03", "2026-04"):
                rows = world.get_partner(f"{ORGANIZATIONS_USAGE}?month={month}", partner)
                told = {each["id"]: _sums(each) for each in rows["organizations"]}
                assert told == usage_of_organizations(own).get(month, {})
                url = f"{SERIES}?startDate={month}-01&endDate={month}-29&granularity=month"
                (of_partner,) = world.get_partner(url, partner)["periods"]
                assert month == "2026-03" or _sums(of_partner) == {
                    field: sum(each[field] for each in told.values())
                    for field in ("identifications", "quantity", "events", "credits")
                }


def _sums(told: dict[str, Any]) -> dict[str, int]:
    names = {"identifications": "identifications", "quantity": "quantity", "events": "events"}
    return {field: told[name] for field, name in (names | {"credits": "creditsUsed"}).items()}
