"""ANY /{proxy+}: errors for unknown paths and methods, and answers to preflight requests."""

from __future__ import annotations

from tally.http.fallback import Fallback

# Path as the template spells it -> its methods.
METHODS = {
    "/partner/analytics": "GET",
    "/partner/billing": "GET",
    "/partner/billing/usage": "GET",
    "/partner/organizations": "GET",
    "/partner/usage": "GET",
    "/v1/admin/payout-runs": "POST",
    "/v1/admin/payouts/{id}/status": "POST",
    "/v1/admin/tenants": "POST",
    "/v1/admin/tenants/{id}/api-keys": "POST",
    "/v1/agent/activity/accesses": "GET",
    "/v1/agent/activity/searches": "GET",
    "/v1/api-keys": "GET, POST",
    "/v1/api-keys/{id}": "DELETE",
    "/v1/buyer/dashboard": "GET",
    "/v1/buyer/spend": "GET",
    "/v1/events": "POST",
    "/v1/provider/dashboard": "GET",
    "/v1/provider/datasets/{id}/analytics": "GET",
    "/v1/provider/payouts": "GET",
    "/v1/provider/payouts/{id}": "GET",
}

endpoint = Fallback(METHODS)
handler = endpoint.handler
