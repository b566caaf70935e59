"""The rate limit of a request: what the tenant's limit is, and what answers say of it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tally.access.items import tenant_key
from tally.aws.table import Table
from tally.kernel.errors import RateLimited
from tally.limits.leasing import Quota


def default_requests_per_minute() -> int:
    """The limit of tenants that have none of their own; 0 for no limit."""
    return int(os.environ["REQUESTS_PER_MINUTE"])


def limit_of(table: Table, tenant_id: str, default: int) -> int:
    """Requests per minute, 0 for no limit: the tenant's own, or else the default."""
    own: int | None = (table.get(tenant_key(tenant_id)) or {}).get("requests_per_minute")
    return default if own is None else own


def check_admitted(quota: Quota | None) -> None:
    """RateLimited, unless the request may go on."""
    if quota and not quota.admitted:
        raise RateLimited(
            f"The limit of requests per minute ({quota.limit:,}) is reached; send the request "
            f"again in {quota.resets_in_s} s."
        )


def quota_headers(quota: Quota | None) -> Mapping[str, str]:
    """What the answer to a limited tenant says of its limit."""
    if quota is None:
        return {}
    headers = {
        "RateLimit-Policy": f'"default";q={quota.limit};w=60',
        "RateLimit": f'"default";r={quota.remaining};t={quota.resets_in_s}',
    }
    return headers if quota.admitted else headers | {"Retry-After": str(quota.resets_in_s)}


def partner_quota_headers(quota: Quota | None) -> Mapping[str, str]:
    """The same, and the older names as well."""
    if quota is None:
        return {}
    return {
        **quota_headers(quota),
        "X-RateLimit-Limit": str(quota.limit),
        "X-RateLimit-Remaining": str(quota.remaining),
        "X-RateLimit-Reset": str(quota.resets_at_s),
    }
