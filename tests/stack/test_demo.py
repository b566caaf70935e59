"""The demo data reproduces the examples of the API references."""

from __future__ import annotations

from ops import demo
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
    assert client.call("GET", "/v1/buyer/dashboard", keys.buyer_key) == {
        "api_key_count": 4,
        "active_api_key_count": 3,
    }
