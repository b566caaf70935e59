"""Events of every type, and the ways to post them and to be refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.domain.scopes import Scope
from tests.api.answers import ingested, rejected
from tests.world import PLATFORM, Answer, World, event

JSON = "application/json"
CONFLICT = "An event with this source and id but other content was accepted before."

# Event type -> the fields of `data` that it must have.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "dataset.created": ("tenant_id", "dataset_id", "name"),
    "dataset.updated": ("tenant_id", "dataset_id", "name"),
    "dataset.deleted": ("tenant_id", "dataset_id"),
    "object.uploaded": ("tenant_id", "dataset_id", "object_id", "size_bytes"),
    "object.approved": ("tenant_id", "dataset_id", "object_id"),
    "object.rejected": ("tenant_id", "dataset_id", "object_id"),
    "object.indexed": ("tenant_id", "dataset_id", "object_id"),
    "object.deleted": ("tenant_id", "dataset_id", "object_id"),
    "search.performed": (
        "tenant_id",
        "query_text",
        "dataset_ids",
        "result_count",
        "charged_amount",
        "currency",
    ),
    "dataset.accessed": ("tenant_id", "dataset_id", "kind", "charged_amount", "currency"),
    "charge.refunded": ("tenant_id", "charge_event", "amount", "currency"),
    "partner.configured": ("partner_id", "credit_pool_total"),
    "organization.created": ("partner_id", "organization_id", "name"),
    "organization.updated": ("partner_id", "organization_id", "name"),
    "organization.deleted": ("partner_id", "organization_id"),
    "identification.recorded": ("partner_id", "organization_id"),
    "usage.recorded": ("partner_id", "organization_id", "kind", "quantity"),
}
VALUES: Mapping[str, Any] = {
    "tenant_id": "acme",
    "dataset_id": "dset_1",
    "object_id": "obj_1",
    "name": "N",
    "size_bytes": 1,
    "query_text": "ships in Rotterdam",
    "dataset_ids": ["dset_1"],
    "result_count": 3,
    "kind": "download",
    "charged_amount": "0.45",
    "charge_event": {"source": "/marketplace", "id": "evt-charge"},
    "amount": "0.05",
    "currency": "USD",
    "partner_id": "acme",
    "organization_id": "org_1",
    "credit_pool_total": 1000,
    "quantity": 3,
}

NO_TEXT: tuple[Any, ...] = (5, 1.5, True, None, [], {}, ["x"])
NO_ID = (*NO_TEXT, "", "a" * 65, "a b", "a/b", "a.b", "a#b", "ä", "a\n", "\na", "a\0", "\ud800")


def told(
    event_type: str,
    time: str = "2026-04-05T09:30:00Z",
    *,
    id: str | None = None,  # noqa: A002  CloudEvents' own name
    **data: Any,
) -> dict[str, Any]:
    """An event of the type with no field too many but those given."""
    required = {name: VALUES[name] for name in REQUIRED[event_type]}
    return event(event_type, time, id=id) | {"data": required | data}


def open_market(world: World) -> World:
    """Tenants acme, whose dataset is dset_1 and whose organization org_1, and rival, whose dataset
    is dset_9. acme was charged once."""
    world.tenant("acme")
    world.tenant("rival")
    answered = world.send(
        event("dataset.created", "2026-01-01T00:00:00Z"),
        event("dataset.created", "2026-01-01T00:00:00Z", tenant_id="rival", dataset_id="dset_9"),
        event("organization.created", "2026-01-01T00:00:00Z"),
        told("dataset.accessed", id="evt-charge"),
    )
    assert answered.status == 202
    return world


def post(
    world: World, body: str | bytes, content_type: str | None = JSON, query: str = ""
) -> Answer:
    """A body of any kind from the platform's sender."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    sender = world.key(PLATFORM, Scope.EVENTS_WRITE)
    return world.request("POST", f"/v1/events{query}", key=sender, headers=headers, body=body)


def post_as(world: World, tenant_id: str, *events: Mapping[str, Any]) -> Answer:
    """Events from a tenant's own sender."""
    key = world.key(tenant_id, Scope.EVENTS_WRITE)
    return world.request("POST", "/v1/events", key=key, json_body=list(events))


def without(field: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != field}


def deep(levels: int) -> dict[str, Any]:
    """Metadata of so many levels, objects and lists by turns."""
    within: Any = {} if levels % 2 else []
    for n in range(levels - 1):
        within = [within] if (n + levels) % 2 else {"a": within}
    assert isinstance(within, dict)
    return within


def assert_each_rejected(
    world: World, events: Mapping[str, Any], field: str | None = None, code: str = "invalid_event"
) -> None:
    """All events (case -> event) are refused for one field, or for the one their case names."""
    with world.unchanged():
        answered = world.send(*events.values())

    messages = [result["error"]["message"] for result in answered.body["data"]["results"]]
    blamed = {case: text.partition(":")[0] for case, text in zip(events, messages, strict=True)}
    assert blamed == {case: field or case for case in events}
    results = [
        rejected(each, code, message)
        for each, message in zip(events.values(), messages, strict=True)
    ]
    assert answered == ingested(422, *results)
