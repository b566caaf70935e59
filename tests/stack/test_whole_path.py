"""Every route through real HTTP, with each function's own role enforced (AUTH=true)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from dev.template import routes
from tally.kernel.clock import current_instant
from tally.kernel.instants import for_display
from tally.kernel.periods import bounds, month_of
from tests.builders import event
from tests.stack.client import Client, eventually


def test_each_role_is_enough_for_its_function(client: Client) -> None:
    tenant_id, key = client.tenant()
    dataset_id = f"dset_{uuid4().hex[:12]}"
    about = {"tenant_id": tenant_id, "dataset_id": dataset_id}
    upload(client, key, about)
    manage_keys(client, key)
    buy_and_look(client, tenant_id, key, dataset_id)
    pay(client, tenant_id, key, dataset_id)
    watch_portfolio(client, tenant_id, key)
    look_back(client, tenant_id, key, dataset_id)
    administer(client, tenant_id, key)
    delete(client, key, about)

    for route in routes():  # a route that this test forgot has no proof that its role is enough
        pattern = re.sub(r"\{\w+\}", "[^/?]+", str(route)) + r"(\?.*)?"
        assert any(re.fullmatch(pattern, reached) for reached in client.reached), route


def upload(client: Client, key: str, about: dict[str, str]) -> None:
    sent = client.call(
        "POST",
        "/v1/events",
        client.keys.events_key,
        [
            event("dataset.created", id=str(uuid4()), **about, name="AP Invoices 2025"),
            event("object.uploaded", id=str(uuid4()), **about, size_bytes=2048),
            event("object.approved", id=str(uuid4()), **about),
            event("object.indexed", id=str(uuid4()), **about),
        ],
    )
    assert (sent["accepted"], sent["rejected"]) == (4, 0)
    eventually(
        lambda: client.call("GET", "/v1/provider/dashboard", key),
        {
            "total_datasets": 1,
            "total_objects": 1,
            "total_storage_bytes": 2048,
            "objects_pending_review": 0,
            "objects_approved": 1,
            "objects_rejected": 0,
        },
    )
    dataset_id = about["dataset_id"]
    assert client.call("GET", f"/v1/provider/datasets/{dataset_id}/analytics", key) == {
        "dataset_id": dataset_id,
        "dataset_name": "AP Invoices 2025",
        "object_count": 1,
        "active_object_count": 1,
        "storage_bytes": 2048,
    }


def administer(client: Client, tenant_id: str, key: str) -> None:
    admin, path = client.keys.admin_key, f"/v1/admin/tenants/{tenant_id}"
    changed = client.call("PATCH", path, admin, {"display_name": "Renamed"})
    assert changed["display_name"] == "Renamed"
    assert client.call("GET", path, admin) == changed
    listed = client.call("GET", "/v1/admin/tenants?limit=1", admin)
    assert (len(listed["tenants"]), listed["total"] >= 2) == (1, True)

    asked = {"scopes": ["usage:read"], "tenant_id": tenant_id}
    session = client.call("POST", "/v1/sessions", admin, asked)
    assert client.call("GET", "/v1/buyer/dashboard", session["session_token"])
    made = client.call("POST", "/v1/api-keys", key, {"name": "Old", "scopes": ["usage:read"]})
    old = made["api_key_id"]
    rotated = client.call("POST", f"/v1/api-keys/{old}/rotate", key, {"grace_seconds": 0})
    assert rotated["replaces"] == old

    months = "/v1/admin/payouts?period=2024-02"
    assert client.call("GET", months, admin)["total"] >= 1
    assert client.call("GET", "/v1/admin/payout-runs?limit=1", admin)["total"] >= 1
    assert "parked_records" in client.call("GET", "/v1/admin/health", admin)
    newest = client.call("GET", "/v1/admin/audit?limit=4", admin)["entries"]
    said = [(each["action"], each["tenant_id"]) for each in newest]
    assert ("api_key.rotated", tenant_id) in said
    assert ("session.opened", tenant_id) in said


def look_back(client: Client, tenant_id: str, key: str, dataset_id: str) -> None:
    """At what was sold, bought and used, day by day."""
    assert client.call("GET", "/v1/session", key)["tenant_id"] == tenant_id
    listed = client.call("GET", "/v1/provider/datasets", key)["datasets"]
    assert dataset_id in [each["dataset_id"] for each in listed]
    month = "from=2024-02&to=2024-02&granularity=month"
    of_dataset = f"/v1/provider/series?{month}&dataset_id={dataset_id}"
    eventually(lambda: client.call("GET", of_dataset, key)["totals"]["sales"], 1)
    eventually(
        lambda: client.call("GET", f"/v1/buyer/series?{month}", key)["totals"]["accesses"], 1
    )
    assert client.call("GET", "/v1/provider/payouts/upcoming", key)["reserves"]
    month = current_instant()[:7]
    used = client.call("GET", f"/partner/organizations/usage?month={month}", key)
    (series,) = client.call("GET", "/partner/analytics/series?granularity=month", key)["periods"][
        -1:
    ]
    rows = used["organizations"]
    assert sum(row["identifications"] for row in rows) == series["identifications"]


def manage_keys(client: Client, key: str) -> None:
    made = client.call("POST", "/v1/api-keys", key, {"name": "Agent", "scopes": ["usage:read"]})
    listed = client.call("GET", "/v1/api-keys?limit=1", key)
    assert (listed["total"], [k["name"] for k in listed["api_keys"]]) == (2, ["Agent"])
    rest = client.call("GET", f"/v1/api-keys?cursor={listed['next_cursor']}", key)
    assert ([k["name"] for k in rest["api_keys"]], rest["next_cursor"]) == (["Dashboard"], None)
    revoked = client.call("DELETE", f"/v1/api-keys/{made['api_key_id']}", key)
    assert revoked == {"api_key_id": made["api_key_id"], "status": "revoked"}
    assert client.call("GET", "/v1/buyer/dashboard", key) == {
        "api_key_count": 2,
        "active_api_key_count": 1,
    }


def delete(client: Client, key: str, about: dict[str, str]) -> None:
    client.call(
        "POST",
        "/v1/events",
        client.keys.events_key,
        event("dataset.deleted", "2026-04-05T09:40:00Z", id=str(uuid4()), **about),
    )
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_objects"], 0)


def buy_and_look(client: Client, tenant_id: str, key: str, dataset_id: str) -> None:
    """The tenant searches and accesses its own dataset and another, and gets a part back."""
    now = for_display(current_instant())
    other = {"tenant_id": tenant_id, "dataset_id": f"{dataset_id}-2"}
    price: dict[str, Any] = {"tenant_id": tenant_id, "charged_amount": "0.45", "currency": "USD"}
    searches = [
        event(
            "search.performed",
            now,
            id=str(uuid4()),
            query_text="invoices",
            dataset_ids=[dataset_id, other["dataset_id"]],
            result_count=n,
            **price,
        )
        for n in range(2)
    ]
    charge = {"source": searches[0]["source"], "id": searches[0]["id"]}
    refund = {"charge_event": charge, "amount": "0.0031", "currency": "USD"}
    sent = client.call(
        "POST",
        "/v1/events?backfill=true",
        client.keys.admin_key,
        [
            event("dataset.created", id=str(uuid4()), **other, name="Contracts"),
            *searches,
            event("dataset.accessed", now, id=str(uuid4()), kind="download", **price | other),
            event(
                "dataset.accessed",
                now,
                id=str(uuid4()),
                kind="retrieval",
                **price | {"dataset_id": dataset_id},
            ),
            event("charge.refunded", now, id=str(uuid4()), tenant_id=tenant_id, **refund),
        ],
    )
    assert (sent["accepted"], sent["rejected"]) == (6, 0)
    eventually(lambda: client.call("GET", "/v1/buyer/spend", key)["total_spend"], 1.7969)
    for path, name in (
        ("/v1/agent/activity/searches", "searches"),
        ("/v1/agent/activity/accesses", "accesses"),
    ):
        first = client.call("GET", f"{path}?limit=1", key)
        rest = client.call("GET", f"{path}?cursor={first['next_cursor']}", key)
        assert (first["total"], len(first[name]), len(rest[name])) == (2, 1, 1)
        assert rest["next_cursor"] is None
    before = "2026-04-01T00:00:00Z"
    erased = client.call("DELETE", f"/v1/agent/activity/searches/query-texts?before={before}", key)
    assert erased == {"before": before}


def pay(client: Client, tenant_id: str, key: str, dataset_id: str) -> None:
    """A statement of a month of history, and its payment."""
    charge = event(
        "dataset.accessed",
        "2024-02-29T23:59:59Z",
        id=str(uuid4()),
        tenant_id=tenant_id,
        dataset_id=dataset_id,
        kind="download",
        charged_amount="1.00",
        currency="USD",
    )
    client.call("POST", "/v1/events?backfill=true", client.keys.admin_key, charge)
    run = {"period": "2024-02"}
    client.call("POST", "/v1/admin/payout-runs", client.keys.admin_key, run)
    path = "/v1/provider/payouts"
    eventually(lambda: client.call("GET", path, key)["total"], 1)
    (payout,) = client.call("GET", path, key)["payouts"]
    status = f"/v1/admin/payouts/{payout['payout_statement_id']}/status"
    client.call("POST", status, client.keys.admin_key, {"status": "processing"})
    detail = client.call("GET", f"{path}/{payout['payout_statement_id']}", key)
    assert (detail["status"], detail["attempts"]) == ("processing", 1)
    assert [line["amount"] for line in detail["lines"]] == [1.00]


def watch_portfolio(client: Client, tenant_id: str, key: str) -> None:
    """The tenant has three organizations, of which one is suspended and one deleted again."""
    now = for_display(current_instant())
    use(client, tenant_id, key, now)
    look_at_the_bill(client, tenant_id, key, now)
    change_organizations(client, tenant_id, key, now)


def said(partner_id: str, kind: str, time: str, /, **data: Any) -> dict[str, Any]:
    return event(kind, time, id=str(uuid4()), partner_id=partner_id, **data)


def send(client: Client, *events: dict[str, Any]) -> None:
    sent = client.call("POST", "/v1/events", client.keys.events_key, events)
    assert (sent["accepted"], sent["rejected"]) == (len(events), 0)


def use(client: Client, tenant_id: str, key: str, now: str) -> None:
    today = now[:10]
    tiers = [
        {"tier": "base", "price_per_identification": "0.05", "min_usage": 0, "max_usage": 100},
        {"tier": "more", "price_per_identification": "0.0031", "min_usage": 101},
    ]
    send(
        client,
        said(tenant_id, "partner.configured", now, credit_pool_total=1000, pricing_tiers=tiers),
        *(
            said(
                tenant_id,
                "organization.created",
                f"2026-04-0{n}T09:30:00Z",
                organization_id=f"org_{n}",
            )
            for n in (1, 2, 3)
        ),
        *(
            said(
                tenant_id,
                "identification.recorded",
                now,
                organization_id=f"org_{1 + n % 3}",
                quantity=2,
            )
            for n in range(60)
        ),
        said(tenant_id, "usage.recorded", now, kind="page_view", quantity=500),
    )
    eventually(
        lambda: client.call("GET", "/partner/analytics", key, header="X-Partner-API-Key"),
        {
            "partnerId": tenant_id,
            "startDate": (date.fromisoformat(today) - timedelta(days=30)).isoformat(),
            "endDate": today,
            "totalOrganizations": 3,
            "activeOrganizations": 3,
            "totalIdentifications": 120,
            "creditsRemaining": 880,
            "creditsUsed": 120,
        },
    )
    assert client.call("GET", f"/partner/usage?startDate={today}&endDate={today}", key) == {
        "startDate": today,
        "endDate": today,
        "totalQuantity": 620,
        "totalEvents": 61,
    }


def look_at_the_bill(client: Client, tenant_id: str, key: str, now: str) -> None:
    month = f"{bounds(month_of(now))[0][:10]}", f"{bounds(month_of(now))[1][:10]}"
    next_month = date.fromisoformat(month[1]) + timedelta(days=1)
    assert client.call("GET", "/partner/billing", key) == {
        "partnerId": tenant_id,
        "billingMode": "credit_pool",
        "billingPeriod": "monthly",
        "billingDayOfMonth": 1,
        "billingPeriodStart": f"{month[0]}T00:00:00Z",
        "nextBillingDate": f"{next_month}T00:00:00Z",
        "currency": "USD",
        "pricingTiers": [
            {"tier": "base", "pricePerIdentification": 0.05, "minUsage": 0, "maxUsage": 100},
            {"tier": "more", "pricePerIdentification": 0.0031, "minUsage": 101, "maxUsage": None},
        ],
        "creditPoolTotal": 1000,
        "creditPoolUsed": 120,
        "creditPoolAvailable": 880,
    }
    assert client.call("GET", "/partner/billing/usage", key) == {
        "partnerId": tenant_id,
        "periodStart": f"{month[0]}T00:00:00Z",
        "periodEnd": f"{month[1]}T23:59:59Z",
        "totalIdentifications": 120,
        "totalQuantity": 620,
        "totalEvents": 61,
        "creditsUsed": 120,
        "estimatedCost": 5.062,
        "currency": "USD",
    }


def change_organizations(client: Client, tenant_id: str, key: str, now: str) -> None:
    send(
        client,
        said(
            tenant_id,
            "organization.updated",
            now,
            organization_id="org_1",
            name="Quay",
            status="suspended",
        ),
        said(tenant_id, "organization.deleted", now, organization_id="org_2"),
    )
    shown: dict[str, Any] = {"externalId": None, "tier": "trial", "credits": 0, "metadata": {}}
    assert client.call("GET", "/partner/organizations", key) == {
        "organizations": [
            {
                "id": "org_3",
                "name": "Harbour Analytics",
                "status": "active",
                "createdAt": "2026-04-03T09:30:00Z",
            }
            | shown,
            {
                "id": "org_1",
                "name": "Quay",
                "status": "suspended",
                "createdAt": "2026-04-01T09:30:00Z",
            }
            | shown,
        ],
        "total": 2,
        "page": 1,
        "pageSize": 20,
    }

    def organizations() -> tuple[int, int]:
        told = client.call("GET", "/partner/analytics", key)
        return told["totalOrganizations"], told["activeOrganizations"]

    eventually(organizations, (2, 1))


def test_bodies_arrive_byte_for_byte(client: Client) -> None:
    broken = b'{"specversion": "1.0", "id": "\xff"}'
    answer = client.stack.request(
        "POST",
        "/v1/events",
        headers={"X-API-Key": client.keys.events_key, "Content-Type": "application/json"},
        body=broken,
    )
    assert answer.status == 400
    assert answer.json()["error"] == {
        "code": "invalid_request",
        "message": "The body is not valid UTF-8.",
        "details": [{"field": "body", "message": "The body is not valid UTF-8."}],
    }


def test_two_credentials_are_ambiguous_however_they_are_sent(client: Client) -> None:
    key = client.keys.admin_key
    for headers in (
        {"X-API-Key": key, "Authorization": f"Bearer {key}"},
        {"X-API-Key": f"{key}, {key}"},
    ):
        answer = client.stack.request("GET", "/v1/provider/dashboard", headers=headers)
        assert (answer.status, answer.json()["error"]["code"]) == (400, "ambiguous_credentials")
