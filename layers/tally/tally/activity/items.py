"""Searches and accesses as items, with their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.activity.model import AccessActivity, SearchActivity
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

SEARCH_PREFIX = "SEARCH#"
ACCESS_PREFIX = "ACCESS#"


def accessed_by(tenant_id: str) -> str:
    """`ACCESSED#acme`: partition of the index of a buyer's datasets by last access"""
    return f"ACCESSED#{tenant_id}"


def search_key(tenant_id: str, occurred_at: Instant, entry_id: str) -> Key:
    """`SEARCHES#acme` / `SEARCH#2026-04-05T09:30:00.000000000Z#{event digest}`"""
    return Key(searches_pk(tenant_id), f"{SEARCH_PREFIX}{occurred_at}#{entry_id}")


def searches_pk(tenant_id: str) -> str:
    return f"SEARCHES#{tenant_id}"


def search_id_key(tenant_id: str, search_activity_id: str) -> Key:
    """`SEARCHES#acme` / `ID#sa_a1b2c3d4e5f6`: which event used the id"""
    return Key(searches_pk(tenant_id), f"ID#{search_activity_id}")


def access_key(tenant_id: str, accessed_at: Instant, entry_id: str) -> Key:
    """`ACCESSES#acme` / `ACCESS#2026-04-05T09:30:00.000000000Z#{event digest}`"""
    return Key(accesses_pk(tenant_id), f"{ACCESS_PREFIX}{accessed_at}#{entry_id}")


def accesses_pk(tenant_id: str) -> str:
    return f"ACCESSES#{tenant_id}"


def key_of_search(search: SearchActivity) -> Key:
    return search_key(search.tenant_id, search.occurred_at, search.entry_id)


def search_attributes(search: SearchActivity) -> dict[str, Any]:
    return {
        "tenant_id": search.tenant_id,
        "search_activity_id": search.search_activity_id,
        "query_text": search.query_text,
        "dataset_ids": list(search.dataset_ids),
        "result_count": search.result_count,
        "amount": search.amount,
        "currency": search.currency,
        "occurred_at": search.occurred_at,
        "entry_id": search.entry_id,
    }


def search_from(item: Mapping[str, Any]) -> SearchActivity:
    return SearchActivity(
        tenant_id=item["tenant_id"],
        search_activity_id=item["search_activity_id"],
        query_text=item["query_text"],
        dataset_ids=tuple(item["dataset_ids"]),
        result_count=item["result_count"],
        amount=item["amount"],
        currency=item["currency"],
        occurred_at=item["occurred_at"],
        entry_id=item["entry_id"],
    )


def key_of_access(access: AccessActivity) -> Key:
    return access_key(access.tenant_id, access.accessed_at, access.entry_id)


def access_attributes(access: AccessActivity) -> dict[str, Any]:
    return {
        "tenant_id": access.tenant_id,
        "dataset_id": access.dataset_id,
        "object_id": access.object_id,
        "kind": access.kind,
        "accessed_at": access.accessed_at,
        "entry_id": access.entry_id,
    }


def access_from(item: Mapping[str, Any]) -> AccessActivity:
    return AccessActivity(
        tenant_id=item["tenant_id"],
        dataset_id=item["dataset_id"],
        object_id=item.get("object_id"),
        kind=item["kind"],
        accessed_at=item["accessed_at"],
        entry_id=item["entry_id"],
    )
