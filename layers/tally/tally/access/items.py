"""The keys of tenants and of API keys."""

from __future__ import annotations

from tally.kernel.instants import Instant
from tally.kernel.keys import Key

API_KEY_PREFIX = "APIKEY#"
OIDC_CLIENTS_PK = "OIDCCLIENTS"
OIDC_CLIENT_PREFIX = "CLIENT#"
TENANTS_PK = "TENANTS"
LISTED_TENANT_PREFIX = "TENANT#"


def tenant_key(tenant_id: str) -> Key:
    """`TENANT#acme` / `TENANT`"""
    return Key(f"TENANT#{tenant_id}", "TENANT")


def listed_tenant_key(tenant_id: str) -> Key:
    """`TENANTS` / `TENANT#acme`: for the list of all tenants"""
    return Key(TENANTS_PK, f"{LISTED_TENANT_PREFIX}{tenant_id}")


def tenants_total_key() -> Key:
    """`TENANTS` / `TOTAL`: how many there are in the list"""
    return Key(TENANTS_PK, "TOTAL")


def api_key_key(prefix: str) -> Key:
    """`APIKEY#k3j5...` / `APIKEY`"""
    return Key(f"APIKEY#{prefix}", "APIKEY")


def listed_api_key_key(tenant_id: str, created_at: Instant, api_key_id: str) -> Key:
    """`TENANT#acme` / `APIKEY#2026-04-05T09:30:00.000000000Z#key_k3j5...`: for lists by age"""
    return Key(f"TENANT#{tenant_id}", f"{API_KEY_PREFIX}{created_at}#{api_key_id}")


def oidc_client_key(client_id: str) -> Key:
    """`OIDCCLIENTS` / `CLIENT#3n4b5urk1ft4fl3mg5e62d9ado`: which tenant it stands for"""
    return Key(OIDC_CLIENTS_PK, f"{OIDC_CLIENT_PREFIX}{client_id}")
