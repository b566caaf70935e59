"""A deployed stack's client, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dev.own_stack import DeployedStack
from tally.access.first_keys import FirstKeys

PATIENCE_S = 60


class Client:
    """Calls the API and remembers which routes answered with success."""

    def __init__(self, stack: DeployedStack, keys: FirstKeys) -> None:
        self.stack = stack
        self.keys = keys
        self.reached: set[str] = set()

    def call(
        self, method: str, path: str, key: str, body: object = None, header: str = "X-API-Key"
    ) -> Any:
        """What is inside of the envelope; the whole answer of the partner API, which has none."""
        response = self.stack.request(method, path, headers={header: key}, json=body)
        assert response.status < 300, (method, path, response.body)
        answer, request_id = response.json(), response.headers["x-request-id"]
        self.reached.add(f"{method} {path}")
        if path.startswith("/partner/"):
            assert request_id
            return answer
        assert request_id == answer["request_id"]
        return answer["data"]

    def tenant(self) -> tuple[str, str]:
        """A new tenant and a key of it."""
        made = self.call("POST", "/v1/admin/tenants", self.keys.admin_key, {"display_name": "T"})
        scopes = ["usage:read", "billing:read", "keys:write"]
        path = f"/v1/admin/tenants/{made['tenant_id']}/api-keys"
        issued = self.call(
            "POST", path, self.keys.admin_key, {"name": "Dashboard", "scopes": scopes}
        )
        return made["tenant_id"], issued["key"]


def eventually[T](look: Callable[[], T], expected: T) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == expected
