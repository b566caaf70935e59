"""The demo data reproduces the examples of the API references."""

from __future__ import annotations

from ops import demo
from tally.domain.instants import for_display
from tally.domain.payouts import statement_id
from tally.domain.periods import bounds, month_of
from tally.http.clock import current_instant
from tests.stack.client import Client


def test_the_demo_shows_the_references_numbers(client: Client) -> None:
    keys = demo.load(client.stack, *client.keys)
    assert client.call("GET", "/v1/provider/dashboard", keys.provider_key) == {
        "total_datasets": 5,
        "total_objects": 1247,
        "total_storage_bytes": 2147483648,
        "objects_pending_review": 12,
        "objects_approved": 1220,
        "objects_rejected": 15,
    }
    path = "/v1/provider/datasets/dset_a1b2c3d4e5f6/analytics"
    assert client.call("GET", path, keys.provider_key) == {
        "dataset_id": "dset_a1b2c3d4e5f6",
        "dataset_name": "AP Invoices 2025",
        "object_count": 142,
        "active_object_count": 138,
        "storage_bytes": 58720256,
    }
    payouts = client.call("GET", "/v1/provider/payouts", keys.provider_key)
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
    assert client.call("GET", "/v1/buyer/dashboard", keys.buyer_key) == {
        "api_key_count": 4,
        "active_api_key_count": 3,
    }
    assert client.call("GET", "/v1/agent/activity/searches", keys.agent_key) == {
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
    assert client.call("GET", "/v1/agent/activity/accesses", keys.buyer_key) == {
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
    spend = client.call("GET", "/v1/buyer/spend", keys.buyer_key)
    first, last = bounds(month_of(current_instant()))
    assert spend == {
        "total_spend": 125.67,
        "currency": "USD",
        "period_start": for_display(first),
        "period_end": for_display(last),
        "search_spend": 98.42,
        "retrieval_spend": 27.25,
    }
