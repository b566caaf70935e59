"""Searches and accesses as items, with their keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tally.activity.model import AccessActivity, SearchActivity, TextRules
from tally.kernel.instants import EARLIEST, Instant
from tally.kernel.keys import Key

SEARCH_PREFIX = "SEARCH#"
ACCESS_PREFIX = "ACCESS#"
TEXT_PREFIX = "TEXT#"

TEXT = "query_text"
"""The attribute of a text. Searches from before texts had items of their own have it too."""
ERASED_BEFORE = "query_texts_erased_before"
"""An attribute of a tenant's item."""
RETENTION_DAYS = "query_text_retention_days"
"""Another one; absent where the stack's default holds."""
TEXT_PARTS = tuple("0123456789abcdef")
"""The partitions of a tenant's texts, by the first digit of the event's digest: many are written
and deleted at a time, and a partition takes 1,000 writes a second."""


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


def text_key(tenant_id: str, occurred_at: Instant, entry_id: str) -> Key:
    """`TEXTS#acme#7` / `TEXT#2026-04-05T09:30:00.000000000Z#{event digest}`: a search's text"""
    return Key(texts_pk(tenant_id, entry_id[0]), f"{TEXT_PREFIX}{occurred_at}#{entry_id}")


def texts_pk(tenant_id: str, part: str) -> str:
    return f"TEXTS#{tenant_id}#{part}"


def texts_before(moment: Instant) -> tuple[str, str]:
    """The sort keys between which the texts of earlier searches are."""
    return TEXT_PREFIX, f"{TEXT_PREFIX}{moment}"


def searches_before(moment: Instant) -> tuple[str, str]:
    """The sort keys between which earlier searches are."""
    return SEARCH_PREFIX, f"{SEARCH_PREFIX}{moment}"


def access_key(tenant_id: str, accessed_at: Instant, entry_id: str) -> Key:
    """`ACCESSES#acme` / `ACCESS#2026-04-05T09:30:00.000000000Z#{event digest}`"""
    return Key(accesses_pk(tenant_id), f"{ACCESS_PREFIX}{accessed_at}#{entry_id}")


def accesses_pk(tenant_id: str) -> str:
    return f"ACCESSES#{tenant_id}"


def key_of_search(search: SearchActivity) -> Key:
    return search_key(search.tenant_id, search.occurred_at, search.entry_id)


def key_of_text(search: SearchActivity) -> Key:
    return text_key(search.tenant_id, search.occurred_at, search.entry_id)


def search_attributes(search: SearchActivity) -> dict[str, Any]:
    """Without the text, which has an item of its own: searches are counted, kept and parked."""
    return {
        "tenant_id": search.tenant_id,
        "search_activity_id": search.search_activity_id,
        "dataset_ids": list(search.dataset_ids),
        "result_count": search.result_count,
        "amount": search.amount,
        "currency": search.currency,
        "occurred_at": search.occurred_at,
        "entry_id": search.entry_id,
        "accepted_at": search.accepted_at,
    }


def text_attributes(text: str, expires_at: int) -> dict[str, Any]:
    return {TEXT: text, "ttl": expires_at}


def rules_of(tenant: Mapping[str, Any]) -> TextRules:
    """From the tenant's item, and from the environment where that says nothing."""
    days = tenant.get(RETENTION_DAYS) or int(os.environ.get("QUERY_TEXT_RETENTION_DAYS", "365"))
    return TextRules(tenant.get(ERASED_BEFORE, EARLIEST), timedelta(days=days))


def search_from(item: Mapping[str, Any]) -> SearchActivity:
    return SearchActivity(
        tenant_id=item["tenant_id"],
        search_activity_id=item["search_activity_id"],
        query_text=item.get(TEXT),
        dataset_ids=tuple(item["dataset_ids"]),
        result_count=item["result_count"],
        amount=item["amount"],
        currency=item["currency"],
        occurred_at=item["occurred_at"],
        entry_id=item["entry_id"],
        accepted_at=item.get("accepted_at"),
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
        "accepted_at": access.accepted_at,
    }


def access_from(item: Mapping[str, Any]) -> AccessActivity:
    return AccessActivity(
        tenant_id=item["tenant_id"],
        dataset_id=item["dataset_id"],
        object_id=item.get("object_id"),
        kind=item["kind"],
        accessed_at=item["accessed_at"],
        entry_id=item["entry_id"],
        accepted_at=item.get("accepted_at"),
    )
