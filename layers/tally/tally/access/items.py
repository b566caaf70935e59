"""The keys of tenants and of API keys."""

from __future__ import annotations

from tally.kernel.instants import Instant
from tally.kernel.keys import Key

API_KEY_PREFIX = "APIKEY#"


def tenant_key(tenant_id: str) -> Key:
    """`TENANT#acme` / `TENANT`"""
    return Key(f"TENANT#{tenant_id}", "TENANT")


def api_key_key(prefix: str) -> Key:
    """`APIKEY#k3j5...` / `APIKEY`"""
    return Key(f"APIKEY#{prefix}", "APIKEY")


def listed_api_key_key(tenant_id: str, created_at: Instant, api_key_id: str) -> Key:
    """`TENANT#acme` / `APIKEY#2026-04-05T09:30:00.000000000Z#key_k3j5...`: for lists by age"""
    return Key(f"TENANT#{tenant_id}", f"{API_KEY_PREFIX}{created_at}#{api_key_id}")
