"""How the demo speaks to a Tally that is up: events by the hundred, requests that must succeed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple, Protocol

from dev.stack import Response
from ops.errors import OpsError

_EVENTS_A_REQUEST = 100


class Said(NamedTuple):
    """An event without its envelope; `subject` is unique among events of the same type."""

    type: str
    subject: str
    data: dict[str, Any]
    time: str


class Api(Protocol):
    """Where a Tally is that is up."""

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
    ) -> Response: ...


def charge_event(said: Said) -> dict[str, str]:
    """What a refund calls the event that charged."""
    return {"source": "/demo", "id": f"demo-{said.type}-{said.subject}"}


def send(stack: Api, path: str, key: str, said: Iterable[Said]) -> None:
    """Send events, in this order. OpsError if one is rejected."""
    for some in batched(map(_event, said), _EVENTS_A_REQUEST, strict=False):
        answer = post(stack, path, key, some)
        if answer["rejected"]:
            raise OpsError(f"The demo's events were rejected: {answer['results']}")


def issue(stack: Api, admin_key: str, tenant_id: str, name: str, **more: str) -> dict[str, str]:
    """A new key that may read the tenant's numbers and make keys; `more` as in the request."""
    body = {"name": name, "scopes": ["usage:read", "billing:read", "keys:write"], **more}
    path = f"/v1/admin/tenants/{tenant_id}/api-keys"
    issued: dict[str, str] = post(stack, path, admin_key, body)
    return issued


def post(stack: Api, path: str, key: str, body: dict[str, Any] | Sequence[Any]) -> Any:
    """What `request` returns."""
    return request(stack, "POST", path, key, body)


def request(stack: Api, method: str, path: str, key: str, body: object = None) -> Any:
    """The answer without its envelope. OpsError if the request is refused."""
    response = stack.request(method, path, headers={"X-API-Key": key}, json=body)
    if response.status >= 400:
        raise OpsError(f"{method} {path} answered {response.status}: {response.body.decode()}")
    answer = response.json()
    return answer if path.startswith("/partner/") else answer["data"]


def _event(said: Said) -> dict[str, Any]:
    envelope = {"specversion": "1.0", **charge_event(said), "type": said.type, "time": said.time}
    return {**envelope, "data": said.data}
