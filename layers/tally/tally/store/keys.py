"""Every key of the table. Nothing else writes `#`; docs/access-patterns.md lists who reads what."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from tally.domain.counting import DatasetTotals, ProviderTotals, Totals
from tally.domain.instants import Instant


class Key(NamedTuple):
    """Partition and sort key."""

    pk: str
    sk: str


DATASET_SK = "DATASET"
OBJECT_PREFIX = "OBJECT#"
API_KEY_PREFIX = "APIKEY#"
TENANT_DATASET_PREFIX = "DATASET#"
PARKED_PK = "PARKED"


def tenant(tenant_id: str) -> Key:
    """`TENANT#acme` / `TENANT`"""
    return Key(f"TENANT#{tenant_id}", "TENANT")


def tenant_dataset(tenant_id: str, dataset_id: str) -> Key:
    """`TENANT#acme` / `DATASET#dset_1`: that the tenant owns the dataset, for recounts"""
    return Key(f"TENANT#{tenant_id}", f"{TENANT_DATASET_PREFIX}{dataset_id}")


def api_key(prefix: str) -> Key:
    """`APIKEY#k3j5...` / `APIKEY`"""
    return Key(f"APIKEY#{prefix}", "APIKEY")


def tenant_api_key(tenant_id: str, created_at: Instant, api_key_id: str) -> Key:
    """`TENANT#acme` / `APIKEY#2026-04-05T09:30:00.000000000Z#key_k3j5...`: for lists by age"""
    return Key(f"TENANT#{tenant_id}", f"{API_KEY_PREFIX}{created_at}#{api_key_id}")


def api_key_totals(tenant_id: str) -> Key:
    """`TENANT#acme` / `TOTALS#APIKEYS`"""
    return Key(f"TENANT#{tenant_id}", "TOTALS#APIKEYS")


def dataset(dataset_id: str) -> Key:
    """`DATASET#dset_1` / `DATASET`"""
    return Key(f"DATASET#{dataset_id}", DATASET_SK)


def catalog_object(dataset_id: str, object_id: str) -> Key:
    """`DATASET#dset_1` / `OBJECT#obj_1`"""
    return Key(f"DATASET#{dataset_id}", f"{OBJECT_PREFIX}{object_id}")


def totals(of: Totals) -> Key:
    """`TENANT#acme` / `TOTALS#PROVIDER`; `DATASET#dset_1` / `DATASET#TOTALS#0`

    A dataset's totals sort right behind the dataset, so that one Query reads both.
    """
    match of:
        case ProviderTotals():
            return Key(f"TENANT#{of.tenant_id}", "TOTALS#PROVIDER")
        case DatasetTotals():
            return Key(f"DATASET#{of.dataset_id}", f"{DATASET_SK}#TOTALS#{of.epoch}")


def event(source: str, event_id: str) -> Key:
    """`EVENT#{hash}` / `EVENT`: that an event was accepted, for ever"""
    return Key(f"EVENT#{sha256(f'{source}\0{event_id}'.encode()).hexdigest()}", "EVENT")


def marker(record_id: str) -> Key:
    """`MARKER#{stream record id}` / `MARKER`: that a change was counted"""
    return Key(f"MARKER#{record_id}", "MARKER")


def parked(parked_at: Instant, record_id: str) -> Key:
    """`PARKED` / `2026-04-05T09:30:00.000000000Z#{stream record id}`"""
    return Key(PARKED_PK, f"{parked_at}#{record_id}")
