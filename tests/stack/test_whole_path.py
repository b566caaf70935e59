"""Every route through real HTTP, with each function's own role enforced (AUTH=true)."""

from __future__ import annotations

import re
from uuid import uuid4

from tests.stack.client import Client, eventually
from tests.template import routes
from tests.world import event


def test_each_role_is_enough_for_its_function(client: Client) -> None:
    tenant_id, key = client.tenant()
    dataset_id = f"dset_{uuid4().hex[:12]}"
    about = {"tenant_id": tenant_id, "dataset_id": dataset_id}
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
    assert client.call("GET", f"/v1/provider/datasets/{dataset_id}/analytics", key) == {
        "dataset_id": dataset_id,
        "dataset_name": "AP Invoices 2025",
        "object_count": 1,
        "active_object_count": 1,
        "storage_bytes": 2048,
    }

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

    client.call(
        "POST",
        "/v1/events",
        client.keys.events_key,
        event("dataset.deleted", "2026-04-05T09:40:00Z", id=str(uuid4()), **about),
    )
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_objects"], 0)

    for route in routes():  # a route that this test forgot has no proof that its role is enough
        pattern = re.sub(r"\{\w+\}", "[^/?]+", str(route)) + r"(\?.*)?"
        assert any(re.fullmatch(pattern, reached) for reached in client.reached), route


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
