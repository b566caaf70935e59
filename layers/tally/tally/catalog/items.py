"""Datasets and objects as items, with their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.catalog.model.datasets import Dataset
from tally.catalog.model.objects import CatalogObject, Review
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.kernel.versions import Version, version_from

DATASET_SK = "DATASET"
OBJECT_PREFIX = "OBJECT#"


def owned_dataset_key(tenant_id: str, dataset_id: str) -> Key:
    """`TENANT#acme` / `DATASET#dset_1`: that the tenant owns the dataset, for recounts"""
    return Key(f"TENANT#{tenant_id}", f"DATASET#{dataset_id}")


def dataset_key(dataset_id: str) -> Key:
    """`DATASET#dset_1` / `DATASET`"""
    return Key(f"DATASET#{dataset_id}", DATASET_SK)


def listed_dataset_key(tenant_id: str, created_at: Instant, dataset_id: str) -> Key:
    """`DATASETS#acme` / `LISTED#2026-04-05T09:30:00.000000000Z#dset_1`: its place in the list of
    those not deleted"""
    return Key(listed_datasets_pk(tenant_id), f"LISTED#{created_at}#{dataset_id}")


def listed_datasets_pk(tenant_id: str) -> str:
    return f"DATASETS#{tenant_id}"


def key_of_place(dataset: Dataset) -> Key:
    """Where the dataset is in its provider's list, as long as it is not deleted."""
    return listed_dataset_key(dataset.tenant_id, dataset.created.time, dataset.dataset_id)


def object_key(dataset_id: str, object_id: str) -> Key:
    """`DATASET#dset_1` / `OBJECT#obj_1`"""
    return Key(f"DATASET#{dataset_id}", f"{OBJECT_PREFIX}{object_id}")


def dataset_attributes(dataset: Dataset) -> dict[str, Any]:
    return {
        "tenant_id": dataset.tenant_id,
        "dataset_id": dataset.dataset_id,
        "name": dataset.name,
        "named": dataset.named,
        "created": dataset.created,
        "deleted": dataset.deleted,
    }


def dataset_from(item: Mapping[str, Any]) -> Dataset:
    """KeyError, TypeError or ValueError for an item that is none."""
    return Dataset(
        tenant_id=item["tenant_id"],
        dataset_id=item["dataset_id"],
        name=item["name"],
        named=Version(*item["named"]),
        # Before there were lists, nobody noted it: then it is told by the name, until a new one.
        created=Version(*item.get("created", item["named"])),
        deleted=version_from(item.get("deleted")),
    )


def listing_attributes(dataset: Dataset, epoch: str) -> dict[str, Any]:
    """What a list shows beside counters, and the epoch that names these."""
    return {
        "dataset_id": dataset.dataset_id,
        "name": dataset.name,
        "created_at": dataset.created.time,
        "epoch": epoch,
    }


def object_attributes(record: CatalogObject) -> dict[str, Any]:
    return {
        "tenant_id": record.tenant_id,
        "dataset_id": record.dataset_id,
        "object_id": record.object_id,
        "uploaded": record.uploaded,
        "size_bytes": record.size_bytes,
        "previous": record.previous,
        "reviewed": record.reviewed,
        "review": record.review.value,
        "indexed": record.indexed,
        "deleted": record.deleted,
        "floor": record.floor,
    }


def object_from(item: Mapping[str, Any]) -> CatalogObject:
    """KeyError, TypeError or ValueError for an item that is none."""
    return CatalogObject(
        tenant_id=item["tenant_id"],
        dataset_id=item["dataset_id"],
        object_id=item["object_id"],
        uploaded=version_from(item.get("uploaded")),
        size_bytes=item["size_bytes"],
        previous=version_from(item.get("previous")),
        reviewed=version_from(item.get("reviewed")),
        review=Review(item["review"]),
        indexed=version_from(item.get("indexed")),
        deleted=version_from(item.get("deleted")),
        floor=version_from(item.get("floor")),
    )
