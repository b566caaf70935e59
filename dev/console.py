"""The console of a local stack, opened signed in."""

from __future__ import annotations

from urllib.parse import urlencode

from dev.stack import LocalStack
from ops.errors import OpsError

PAGES = ("provider", "buyer", "partner", "operator")
_LASTS_S = 12 * 60 * 60  # the longest there is
_SCOPES = ("usage:read", "billing:read", "keys:write")


def link(stack: LocalStack, key: str, page: str, **settings: str) -> str:
    """The address of a page, with a session of the key for half a day. `settings`: `range="90d"`.
    OpsError if the stack opens none."""
    scopes = ["admin:*"] if page == "operator" else list(_SCOPES)
    response = stack.request(
        "POST",
        "/v1/sessions",
        headers={"X-API-Key": key},
        json={"scopes": scopes, "ttl_seconds": _LASTS_S},
    )
    if response.status != 201:
        raise OpsError(f"No session was opened: {response.body.decode()}")
    token = response.json()["data"]["session_token"]
    fragment = urlencode({"session": token, "page": page, **settings})
    return f"{stack.api_url}/console/#{fragment}"
