"""Events to measure with, and what the dashboards must say after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from typing import Any

type Event = dict[str, Any]

# The lives of objects; the objects of a mix take them in turn.
_LIVES = (
    ("uploaded", "approved", "indexed"),
    ("uploaded", "rejected"),
    ("uploaded", "indexed", "approved"),
    ("uploaded",),
    ("uploaded", "approved", "uploaded", "rejected"),
    ("uploaded", "approved", "deleted"),
)
# Events of one object are so far apart that they are rarely in the same request.
_APART = 60
_REVIEWS = {"approved": "objects_approved", "rejected": "objects_rejected"}
# Each event is a second later than the one before, and all are in the past.
_BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
TEXTS_KEPT_DAYS = 36_500
"""So that old searches are stored with their texts."""
_numbers = count()


def created(tenant_id: str, dataset_id: str) -> Event:
    return _event("dataset.created", tenant_id, dataset_id, name=f"Dataset {dataset_id}")


def deleted(tenant_id: str, dataset_id: str) -> Event:
    return _event("dataset.deleted", tenant_id, dataset_id)


def uploads(datasets: Iterable[tuple[str, str]], number: int) -> list[Event]:
    """One object each, from dataset (tenant, id) to dataset."""
    return [
        _event(
            "object.uploaded", *dataset, object_id=f"obj_{next(_numbers):08}", size_bytes=1_000_000
        )
        for dataset in islice(cycle(datasets), number)
    ]


def search(buyer: str, dataset_ids: Sequence[str]) -> Event:
    return _of_tenant(
        "search.performed",
        buyer,
        query_text="unpaid invoices of the last quarter, by supplier",
        dataset_ids=list(dataset_ids),
        result_count=42,
        charged_amount="0.45",
        currency="USD",
    )


def access(buyer: str, dataset_id: str) -> Event:
    charge = {"charged_amount": "0.0031", "currency": "USD"}
    return _event("dataset.accessed", buyer, dataset_id, kind="retrieval", **charge)


def refund(charge: Event) -> Event:
    """All of a charge."""
    data = charge["data"]
    return _of_tenant(
        "charge.refunded",
        data["tenant_id"],
        charge_event={"source": charge["source"], "id": charge["id"]},
        amount=data["charged_amount"],
        currency=data["currency"],
    )


def organization(partner_id: str, organization_id: str) -> Event:
    about = {"partner_id": partner_id, "organization_id": organization_id}
    return _said("organization.created", about | {"name": f"Organization {organization_id}"})


def identification(partner_id: str, organization_id: str) -> Event:
    """All of one day."""
    about = {"partner_id": partner_id, "organization_id": organization_id}
    return _said("identification.recorded", about) | {"time": "2026-04-05T09:30:00Z"}


def mix(datasets: Iterable[tuple[str, str]], number: int) -> list[Event]:
    """Exactly so many: datasets created, then objects uploaded, reviewed, indexed and deleted."""
    owned = list(datasets)
    staged = []
    for place in range(number):
        tenant_id, dataset_id = owned[place % len(owned)]
        object_id = f"obj_{next(_numbers):08}"
        for stage, kind in enumerate(_LIVES[place % len(_LIVES)]):
            size = {"size_bytes": 1_000_003 + place} if kind == "uploaded" else {}
            step = (place + stage * _APART, kind, tenant_id, dataset_id, object_id, size)
            staged.append(step)
    staged.sort(key=lambda step: step[0])
    events = [created(*dataset) for dataset in owned]
    events += [
        _event(f"object.{kind}", tenant_id, dataset_id, object_id=object_id, **size)
        for _, kind, tenant_id, dataset_id, object_id, size in staged[: number - len(owned)]
    ]
    return events


def dashboards(events: Iterable[Event]) -> Mapping[str, Mapping[str, int]]:
    """Tenant -> its provider dashboard, for events in order and none of them late."""
    sizes: dict[tuple[str, str, str], int] = {}
    reviews: dict[tuple[str, str, str], str] = {}
    totals: dict[str, Counter[str]] = {}
    for event in events:
        data, kind = event["data"], event["type"].partition(".")[2]
        of_tenant = totals.setdefault(data["tenant_id"], Counter())
        if kind == "created":
            of_tenant["total_datasets"] += 1
            continue
        thing = data["tenant_id"], data["dataset_id"], data["object_id"]
        if kind == "uploaded":
            sizes[thing] = data["size_bytes"]
            reviews[thing] = "objects_pending_review"
        elif kind == "deleted":
            del sizes[thing], reviews[thing]
        elif kind in _REVIEWS:
            reviews[thing] = _REVIEWS[kind]
    for thing, size in sizes.items():
        totals[thing[0]] += Counter(
            {"total_objects": 1, "total_storage_bytes": size, reviews[thing]: 1}
        )
    return totals


def _event(kind: str, tenant_id: str, dataset_id: str, /, **data: object) -> Event:
    return _of_tenant(kind, tenant_id, dataset_id=dataset_id, **data)


def _of_tenant(kind: str, tenant_id: str, /, **data: object) -> Event:
    return _said(kind, {"tenant_id": tenant_id} | data)


def _said(kind: str, data: Mapping[str, object]) -> Event:
    number = next(_numbers)
    return {
        "specversion": "1.0",
        "id": f"bench-{number:08}",
        "source": "/bench",
        "type": kind,
        "time": (_BEGAN + timedelta(seconds=number)).isoformat(),
        "data": dict(data),
    }
