"""The demo data reproduces the examples of the API references, and shows a partner's year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dev import demo
from dev.demo_api import Said
from dev.demo_portfolio import portfolio
from tally.kernel.clock import current_instant
from tally.kernel.instants import for_display
from tally.kernel.periods import bounds, month_of
from tally.payouts.model.statements import statement_id
from tests.stack.client import Client


def test_the_demo_shows_the_references_numbers(client: Client) -> None:
    keys, ids = demo.load(client.stack, *client.keys)
    shows_the_provider(client, keys.provider_key)
    shows_the_payouts(client, keys.provider_key)
    shows_what_waits_for_its_payment(client, keys.agent_key, ids)
    shows_the_buyer(client, keys.buyer_key)
    shows_the_searches(client, keys.agent_key)
    shows_the_partner(client, keys.partner_key)


def shows_the_provider(client: Client, key: str) -> None:
    assert client.call("GET", "/v1/provider/dashboard", key) == {
        "total_datasets": 5,
        "total_objects": 1247,
        "total_storage_bytes": 2147483648,
        "objects_pending_review": 12,
        "objects_approved": 1220,
        "objects_rejected": 15,
    }
    path = "/v1/provider/datasets/dset_a1b2c3d4e5f6/analytics"
    assert client.call("GET", path, key) == {
        "dataset_id": "dset_a1b2c3d4e5f6",
        "dataset_name": "AP Invoices 2025",
        "object_count": 142,
        "active_object_count": 138,
        "storage_bytes": 58720256,
    }


def shows_the_payouts(client: Client, key: str) -> None:
    payouts = client.call("GET", "/v1/provider/payouts", key)
    for payout in payouts["payouts"]:
        del payout["created_at"]  # the demo makes them today
    assert payouts == {
        "payouts": [
            {
                "payout_statement_id": statement_id(demo.PROVIDER, "2026-03", "USD"),
                "billing_period_start": "2026-03-01T00:00:00Z",
                "billing_period_end": "2026-03-31T23:59:59Z",
                "gross_revenue": 1250.00,
                "seller_earnings": 875.00,
                "held_amount": 125.00,
                "released_amount": 750.00,
                "currency": "USD",
                "status": "paid",
            },
            {
                "payout_statement_id": statement_id(demo.PROVIDER, "2026-02", "USD"),
                "billing_period_start": "2026-02-01T00:00:00Z",
                "billing_period_end": "2026-02-28T23:59:59Z",
                "gross_revenue": 980.50,
                "seller_earnings": 686.35,
                "held_amount": 98.05,
                "released_amount": 588.30,
                "currency": "USD",
                "status": "paid",
            },
        ],
        "total": 2,
        "next_cursor": None,
    }


def shows_what_waits_for_its_payment(client: Client, key: str, ids: demo.DemoIds) -> None:
    (payout,) = client.call("GET", "/v1/provider/payouts", key)["payouts"]
    assert (payout["payout_statement_id"], payout["status"]) == (ids.pending_payout_id, "pending")


def shows_the_searches(client: Client, key: str) -> None:
    assert client.call("GET", "/v1/agent/activity/searches", key) == {
        "searches": [
            {
                "search_activity_id": "sa_a1b2c3d4e5f6",
                "query_text": "invoice showing VAT dispute with Acme in March",
                "dataset_ids": ["dset_a1b2c3d4e5f6", "dset_g7h8i9j0k1l2"],
                "result_count": 15,
                "charged_amount": 0.45,
                "currency": "USD",
                "occurred_at": "2026-04-05T09:30:00Z",
            },
            {
                "search_activity_id": "sa_m7n8o9p0q1r2",
                "query_text": "quarterly financial report 2025",
                "dataset_ids": ["dset_a1b2c3d4e5f6"],
                "result_count": 8,
                "charged_amount": 0.24,
                "currency": "USD",
                "occurred_at": "2026-04-05T09:15:00Z",
            },
        ],
        "total": 2,
        "next_cursor": None,
    }


def shows_the_buyer(client: Client, key: str) -> None:
    assert client.call("GET", "/v1/buyer/dashboard", key) == {
        "api_key_count": 4,
        "active_api_key_count": 3,
    }
    assert client.call("GET", "/v1/agent/activity/accesses", key) == {
        "accesses": [
            {
                "dataset_id": "dset_a1b2c3d4e5f6",
                "dataset_name": "AP Invoices 2025",
                "access_count": 47,
                "last_accessed_at": "2026-04-05T09:30:00Z",
            },
            {
                "dataset_id": "dset_g7h8i9j0k1l2",
                "dataset_name": "Legal Contracts Archive",
                "access_count": 12,
                "last_accessed_at": "2026-04-04T16:45:00Z",
            },
        ],
        "total": 2,
        "next_cursor": None,
    }
    spend = client.call("GET", "/v1/buyer/spend", key)
    first, last = bounds(month_of(current_instant()))
    assert spend == {
        "total_spend": 125.67,
        "currency": "USD",
        "period_start": for_display(first),
        "period_end": for_display(last),
        "search_spend": 98.42,
        "retrieval_spend": 27.25,
    }


def shows_the_partner(client: Client, key: str) -> None:
    """Its five answers, from what was said and by the contract's words alone."""
    today = datetime.now(UTC).date()
    said = list(portfolio(today))
    first = today - timedelta(days=364)
    organizations = listed(said)
    assert len(organizations) == 24
    period_start, period_end, _ = period(today)
    now = sums(said, period_start, period_end)
    shows_the_bill(client, key, today, now)
    shows_the_organizations(client, key, organizations)

    for since, until, query in (
        (today - timedelta(days=30), today, ""),
        (first, today, f"?startDate={first}&endDate={today}"),
        (period_start, today, f"?startDate={period_start}T10:00:00Z"),
    ):
        used = sums(said, since, until)
        assert client.call("GET", f"/partner/analytics{query}", key) == {
            "partnerId": "demo-partner",
            "startDate": since.isoformat(),
            "endDate": until.isoformat(),
            "totalOrganizations": 24,
            "activeOrganizations": sum(each["status"] == "active" for each in organizations),
            "totalIdentifications": used["identifications"],
            "creditsRemaining": 60_000 - now["credits"],
            "creditsUsed": used["credits"],
        }
    for since, until, query in (
        (today.replace(day=1), today, ""),
        (
            first,
            first + timedelta(days=99),
            f"?startDate={first}&endDate={first + timedelta(days=99)}",
        ),
    ):
        used = sums(said, since, until)
        assert client.call("GET", f"/partner/usage{query}", key) == {
            "startDate": since.isoformat(),
            "endDate": until.isoformat(),
            "totalQuantity": used["quantity"],
            "totalEvents": used["events"],
        }


def shows_the_bill(client: Client, key: str, today: date, now: Mapping[str, int]) -> None:
    period_start, period_end, next_start = period(today)
    assert client.call("GET", "/partner/billing", key) == {
        "partnerId": "demo-partner",
        "billingMode": "credit_pool",
        "billingPeriod": "monthly",
        "billingDayOfMonth": 15,
        "billingPeriodStart": f"{period_start}T00:00:00Z",
        "nextBillingDate": f"{next_start}T00:00:00Z",
        "currency": "USD",
        "pricingTiers": [
            {"tier": 1, "pricePerIdentification": 0.05, "minUsage": 0, "maxUsage": 10_000},
            {"tier": 2, "pricePerIdentification": 0.04, "minUsage": 10_001, "maxUsage": 30_000},
            {"tier": 3, "pricePerIdentification": 0.0325, "minUsage": 30_001, "maxUsage": None},
        ],
        "creditPoolTotal": 60_000,
        "creditPoolUsed": now["credits"],
        "creditPoolAvailable": 60_000 - now["credits"],
    }
    assert client.call("GET", "/partner/billing/usage", key) == {
        "partnerId": "demo-partner",
        "periodStart": f"{period_start}T00:00:00Z",
        "periodEnd": f"{period_end}T23:59:59Z",
        "totalIdentifications": now["identifications"],
        "totalQuantity": now["quantity"],
        "totalEvents": now["events"],
        "creditsUsed": now["credits"],
        "estimatedCost": float(cost(now["identifications"])),
        "currency": "USD",
    }


def shows_the_organizations(
    client: Client, key: str, organizations: Sequence[Mapping[str, Any]]
) -> None:
    canceled = [each for each in organizations if each["status"] == "canceled"]
    named = [each for each in organizations if "co" in each["name"].lower()]
    for query, page, shown, total in (
        ("", 1, organizations[:20], 24),
        ("?page=2", 2, organizations[20:], 24),
        ("?status=canceled", 1, canceled, 2),
        ("?search=CO", 1, named, len(named)),
        ("?externalId=crm-2004", 1, organizations[-4:-3], 1),
    ):
        assert client.call("GET", f"/partner/organizations{query}", key) == {
            "organizations": shown,
            "total": total,
            "page": page,
            "pageSize": 20,
        }


def listed(said: Iterable[Said]) -> Sequence[Mapping[str, Any]]:
    """Newest first, as they were left."""
    organizations: dict[str, dict[str, Any]] = {}
    for each in sorted(said, key=lambda each: each.time):
        data = each.data
        if each.type == "organization.created":
            organizations[data["organization_id"]] = {
                "id": data["organization_id"],
                "name": data["name"],
                "externalId": data["external_id"],
                "status": "active",
                "tier": data["tier"],
                "credits": data["credits"],
                "metadata": data["metadata"],
                "createdAt": each.time,
            }
        elif each.type == "organization.updated":
            organizations[data["organization_id"]]["status"] = data["status"]
    return sorted(organizations.values(), key=lambda each: each["createdAt"], reverse=True)


def sums(said: Iterable[Said], since: date, until: date) -> Mapping[str, int]:
    """Of identifications and page views of these days, both included."""
    used = [e for e in said if "quantity" in e.data and f"{since}" <= e.time[:10] <= f"{until}"]
    found = [e.data for e in used if e.type == "identification.recorded"]
    return {
        "identifications": sum(data["quantity"] for data in found),
        "credits": sum(data.get("credits", data["quantity"]) for data in found),
        "quantity": sum(each.data["quantity"] for each in used),
        "events": len(used),
    }


def period(today: date) -> tuple[date, date, date]:
    """The first and the last day of the billing period, and the first day of the next."""
    of_this_month = today.replace(day=15)
    month = timedelta(days=31)  # from the 15th of one month into the next, before its 19th
    if today >= of_this_month:
        first, following = of_this_month, (of_this_month + month).replace(day=15)
    else:
        first, following = (of_this_month - month).replace(day=15), of_this_month
    return first, following - timedelta(days=1), following


def cost(identifications: int) -> Decimal:
    """Each at the price of its own tier."""
    in_tiers = (
        min(identifications, 10_000),
        min(max(identifications - 10_000, 0), 20_000),
        max(identifications - 30_000, 0),
    )
    prices = Decimal("0.05"), Decimal("0.04"), Decimal("0.0325")
    return sum((n * price for n, price in zip(in_tiers, prices, strict=True)), Decimal())
