"""One request for each error that an operation may answer with, and for what is half rejected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from dev.gateway import Answer, proxy_event
from dev.openapi.errors import Examples
from dev.openapi.stage import Stage
from tally.kernel.errors import (
    AlreadyExists,
    AmbiguousCredentials,
    InsufficientScope,
    InvalidCursor,
    InvalidRequest,
    InvalidTransition,
    KeyNotActive,
    NotFound,
    PayloadTooLarge,
    PeriodOpen,
    RateLimited,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from tally.wire.json import load_json

type Known = Mapping[str, str]
"""Keys and ids of the demo, by name."""

_BUSY: Any = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
_PARTNERS = "/partner/organizations"
_LISTED = "/v1/provider/payouts"
_KEYS = "/v1/api-keys"
_MANY = 10


class _Ask(NamedTuple):
    """`key` names one of the demo's; paths may have its ids in them."""

    method: str
    path: str
    key: str | None = "provider_key"
    body: Any = None
    headers: Mapping[str, str] = {}


_LONG = {"name": "x" * 70_000, "scopes": ["usage:read"]}
_TWO = {"Authorization": "Bearer ipto_other"}

_OF_MARKETPLACE: Mapping[str, _Ask] = {
    AmbiguousCredentials.code: _Ask("GET", _LISTED, headers=_TWO),
    InvalidRequest.code: _Ask("GET", f"{_LISTED}?limit=0"),
    InvalidCursor.code: _Ask("GET", f"{_LISTED}?cursor=abc"),
    Unauthorized.code: _Ask("GET", _LISTED, key=None),
    InsufficientScope.code: _Ask("GET", _LISTED, key="events_key"),
    NotFound.code: _Ask("GET", f"{_LISTED}/pst_unknown"),
    AlreadyExists.code: _Ask(
        *("POST", "/v1/admin/tenants", "admin_key"),
        {"tenant_id": "demo-provider", "display_name": "Demo Provider"},
    ),
    InvalidTransition.code: _Ask(
        "POST", "/v1/admin/payouts/{payout_id}/status", "admin_key", {"status": "processing"}
    ),
    KeyNotActive.code: _Ask("POST", f"{_KEYS}/{{revoked_key_id}}/rotate", "buyer_key", {}),
    PeriodOpen.code: _Ask("POST", "/v1/admin/payout-runs", "admin_key", {"period": "2026-04"}),
    PayloadTooLarge.code: _Ask("POST", _KEYS, body=_LONG),
    UnsupportedMediaType.code: _Ask(
        "POST", _KEYS, body={}, headers={"Content-Type": "application/xml"}
    ),
}
_OF_PARTNERS: Mapping[str, _Ask] = {
    AmbiguousCredentials.code: _Ask("GET", _PARTNERS, headers=_TWO),
    InvalidRequest.code: _Ask("GET", f"{_PARTNERS}?pageSize=500"),
    Unauthorized.code: _Ask("GET", _PARTNERS, key=None),
    InsufficientScope.code: _Ask("GET", _PARTNERS, key="events_key"),
    PayloadTooLarge.code: _Ask("GET", _PARTNERS, "partner_key", _LONG),
}
_AT_ANY_TIME = {False: _Ask("GET", _LISTED), True: _Ask("GET", _PARTNERS, "partner_key")}


def refusals(stage: Stage, known: Known) -> Examples:
    """RuntimeError if a request is not refused as it should be."""
    found = dict(_all_refusals(stage, known))
    return {named: load_json(answer.text) for named, answer in found.items()}


def _all_refusals(stage: Stage, known: Known) -> Iterator[tuple[tuple[str, bool], Answer]]:
    for partners, asked in ((False, _OF_MARKETPLACE), (True, _OF_PARTNERS)):
        for code, ask in asked.items():
            yield (code, partners), _asked(stage, ask, known)
    for partners, ask in _AT_ANY_TIME.items():
        for code, fault in (
            (Unavailable.code, ClientError(_BUSY, "GetItem")),
            ("internal_error", RuntimeError()),
        ):
            with stage.failing(fault):
                yield (code, partners), _asked(stage, ask, known)
        yield (RateLimited.code, partners), _asked_too_often(stage, ask, known)


def _asked(stage: Stage, ask: _Ask, known: Known) -> Answer:
    headers = {"Content-Type": "application/json", **ask.headers}
    if ask.key:
        headers["X-API-Key"] = known[ask.key]
    body = None if ask.body is None else json.dumps(ask.body)
    answer = stage.invoke(proxy_event(ask.method, ask.path.format(**known), headers, body))
    if answer.status < 400:
        raise RuntimeError(f"{ask} is answered with {answer}")
    return answer


def _asked_too_often(stage: Stage, ask: _Ask, known: Known) -> Answer:
    """By a tenant that may ask once a minute."""
    limited = {"display_name": "Limited", "requests_per_minute": 1}
    made = stage.post("/v1/admin/tenants", known["admin_key"], limited)
    wanted = {"name": "Dashboard", "scopes": ["usage:read", "billing:read"]}
    path = f"/v1/admin/tenants/{made['tenant_id']}/api-keys"
    key = stage.post(path, known["admin_key"], wanted)["key"]
    for _ in range(_MANY):
        answer = stage.invoke(proxy_event(ask.method, ask.path, {"X-API-Key": key}))
        if answer.status >= 400:
            return answer
    raise RuntimeError(f"{ask} was never asked too often")
