"""Demo data: the numbers of the API references' examples, sent through the API itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any, NamedTuple

from ops.errors import OpsError
from ops.stack import LocalStack

PROVIDER, BUYER = "demo-provider", "demo-buyer"
INVOICES = "dset_a1b2c3d4e5f6"

# Dataset, name, objects that are (pending, approved, rejected), those indexed, bytes in all.
# The sums are the provider reference's dashboard, the first line its dataset.
_DATASETS = (
    (INVOICES, "AP Invoices 2025", (2, 139, 1), 138, 58_720_256),
    ("dset_g7h8i9j0k1l2", "Legal Contracts Archive", (4, 391, 5), 390, 812_646_400),
    ("dset_m3n4o5p6q7r8", "Quarterly Financial Reports", (1, 247, 2), 247, 536_870_912),
    ("dset_s9t0u1v2w3x4", "Shipping Manifests EMEA", (5, 302, 3), 300, 403_701_760),
    ("dset_y5z6a7b8c9d0", "Support Transcripts", (0, 141, 4), 141, 335_544_320),
)
_BEGAN = "2026-01-05T08:00:00Z"
_PATIENCE_S = 60


class DemoKeys(NamedTuple):
    """Keys of the two tenants that the demo is about."""

    provider_key: str
    buyer_key: str


def load(stack: LocalStack, admin_key: str, events_key: str) -> DemoKeys:
    """Make the demo's tenants, send its events, and wait until they are counted."""
    for tenant_id, name in ((PROVIDER, "Demo Provider"), (BUYER, "Demo Buyer")):
        body = {"tenant_id": tenant_id, "display_name": name}
        _post(stack, "/v1/admin/tenants", admin_key, body)
    provider_key = _issue(stack, admin_key, PROVIDER, "Dashboard")
    buyer_keys = [
        _issue(stack, admin_key, BUYER, name)
        for name in ("Dashboard", "Research agent", "Nightly export", "Retired agent")
    ]
    retired = buyer_keys.pop()
    _request(stack, "DELETE", f"/v1/api-keys/{retired['api_key_id']}", buyer_keys[0]["key"])

    for events in batched(_catalog(), 100, strict=False):
        answer = _post(stack, "/v1/events", events_key, events)
        if answer["rejected"]:
            raise OpsError(f"The demo's events were rejected: {answer['results']}")
    _wait_until_counted(stack, provider_key["key"])
    return DemoKeys(provider_key["key"], buyer_keys[0]["key"])


def _catalog() -> Iterator[dict[str, Any]]:
    for dataset_id, name, (pending, approved, rejected), indexed, size in _DATASETS:
        subject = {"tenant_id": PROVIDER, "dataset_id": dataset_id}
        yield _event("dataset.created", dataset_id, subject | {"name": name})
        objects = pending + approved + rejected
        for n in range(objects):
            thing = subject | {"object_id": f"obj_{n:05}"}
            one = f"{dataset_id}-{n:05}"
            share = size // objects + (n < size % objects)
            yield _event("object.uploaded", one, thing | {"size_bytes": share})
            if n < approved:
                yield _event("object.approved", one, thing)
            elif n < approved + rejected:
                yield _event("object.rejected", one, thing)
            if n < indexed:
                yield _event("object.indexed", one, thing)


def _event(kind: str, subject: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"demo-{kind}-{subject}",
        "source": "/demo",
        "type": kind,
        "time": _BEGAN,
        "data": data,
    }


def _wait_until_counted(stack: LocalStack, key: str) -> None:
    objects = sum(sum(states) for _, _, states, _, _ in _DATASETS)
    indexed = _DATASETS[0][3]
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        dashboard = _request(stack, "GET", "/v1/provider/dashboard", key)
        reviewed = dashboard["objects_approved"] + dashboard["objects_rejected"]
        analytics = _request(stack, "GET", f"/v1/provider/datasets/{INVOICES}/analytics", key)
        settled = objects - sum(states[0] for _, _, states, _, _ in _DATASETS)
        if reviewed == settled and analytics["active_object_count"] == indexed:
            return
        time.sleep(0.1)
    raise OpsError("The demo's events were not counted in time; `make logs` tells more.")


def _issue(stack: LocalStack, admin_key: str, tenant_id: str, name: str) -> dict[str, str]:
    body = {"name": name, "scopes": ["usage:read", "billing:read", "keys:write"]}
    issued: dict[str, str] = _post(
        stack, f"/v1/admin/tenants/{tenant_id}/api-keys", admin_key, body
    )
    return issued


def _post(stack: LocalStack, path: str, key: str, body: dict[str, Any] | Sequence[Any]) -> Any:
    return _request(stack, "POST", path, key, body)


def _request(stack: LocalStack, method: str, path: str, key: str, body: object = None) -> Any:
    response = stack.request(method, path, headers={"X-API-Key": key}, json=body)
    if response.status >= 400:
        raise OpsError(f"{method} {path} answered {response.status}: {response.body.decode()}")
    return response.json()["data"]
