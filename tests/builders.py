"""Where tests begin: events, and worlds in which some have happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.world import World

CREATED_AT = "2026-01-01T00:00:00Z"

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

_numbers = count(1)


# -------------------------------------------------------------------------- events


def event(
    event_type: str,
    time: str = "2026-04-05T09:30:00Z",
    *,
    id: str | None = None,  # noqa: A002  CloudEvents' own name
    **data: Any,
) -> dict[str, Any]:
    """A CloudEvent about tenant acme's dataset dset_1 or organization org_1, unless it says
    otherwise."""
    subject = {"tenant_id": "acme", "dataset_id": "dset_1"}
    if event_type.startswith(("organization.", "identification.", "usage.")):
        subject = {"partner_id": "acme", "organization_id": "org_1"}
    if event_type == "partner.configured":
        subject = {"partner_id": "acme"}
    if event_type in ("organization.created", "organization.updated"):
        subject["name"] = "Harbour Analytics"
    if event_type.startswith("object."):
        subject["object_id"] = "obj_1"
    if event_type in ("dataset.created", "dataset.updated"):
        subject["name"] = "AP Invoices 2025"
    return {
        "specversion": "1.0",
        "id": id or f"evt-{next(_numbers)}",
        "source": "/marketplace",
        "type": event_type,
        "time": time,
        "data": subject | data,
    }


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


def created(**owned: Sequence[str]) -> list[dict[str, Any]]:
    """Provider -> its new datasets."""
    return [
        event("dataset.created", CREATED_AT, tenant_id=owner, dataset_id=dataset_id)
        for owner, dataset_ids in owned.items()
        for dataset_id in dataset_ids
    ]


# -------------------------------------------------------------------------- worlds


def accept(world: World, *events: Mapping[str, Any]) -> None:
    """The platform sends events, and they are accepted."""
    answered = world.send(*events)
    assert answered.status == 202, answered


def happen(world: World, *events: Mapping[str, Any]) -> None:
    """The events are accepted and counted."""
    accept(world, *events)
    world.deliver()


def market(world: World, *tenants: str, **owned: Sequence[str]) -> World:
    """Tenants, and providers with their datasets: `market(world, "acme", north=["dset_1"])`."""
    for tenant_id in (*tenants, *owned):
        world.tenant(tenant_id)
    if owned:
        accept(world, *created(**owned))
    return world


def charged_market(world: World) -> World:
    """Tenants acme, whose dataset is dset_1 and whose organization org_1, and rival, whose dataset
    is dset_9. acme was charged once."""
    market(world, acme=["dset_1"], rival=["dset_9"])
    accept(
        world,
        event("organization.created", CREATED_AT),
        told("dataset.accessed", id="evt-charge"),
    )
    return world


def portfolio(world: World) -> World:
    """Partners acme and rival, each with an organization org_1 since 2020."""
    market(world, "acme", "rival")
    for partner_id in ("acme", "rival"):
        accept(world, event("organization.created", "2020-01-01T00:00:00Z", partner_id=partner_id))
    world.deliver()
    return world
