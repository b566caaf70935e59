"""What no route takes, through real HTTP: the gateway hands all of it to us."""

from __future__ import annotations

from typing import Any

import pytest

from dev.stack import Response
from tests.api.answers import ALWAYS
from tests.stack.client import Client

NOT_FOUND = {"code": "not_found", "message": "No such path.", "details": []}


def not_allowed(methods: str) -> dict[str, Any]:
    message = f"This path has only {methods}."
    return {"code": "method_not_allowed", "message": message, "details": []}


def assert_signed(response: Response) -> None:
    """With the headers of every answer, among them the request's id."""
    assert {name.lower(): value for name, value in ALWAYS.items()}.items() <= (
        response.headers.items()
    )
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "/", NOT_FOUND),
        ("GET", "/nope", NOT_FOUND),
        ("POST", "/v1", NOT_FOUND),
        ("OPTIONS", "/v1/provider/datasets", not_allowed("GET")),
        ("DELETE", "/v1/events/1/2/3", NOT_FOUND),
        ("GET", "/v1/events", not_allowed("POST")),
        ("OPTIONS", "/v1/events", not_allowed("POST")),
        ("PUT", "/v1/api-keys", not_allowed("GET, POST")),
        ("GET", "/v1/api-keys/key_1", not_allowed("DELETE")),
        ("PATCH", "/v1/provider/payouts/pst_1", not_allowed("GET")),
        ("GET", "/v1/admin/tenants/acme/api-keys", not_allowed("POST")),
    ],
)
def test_what_no_route_takes(method: str, path: str, error: dict[str, Any], client: Client) -> None:
    response = client.stack.request(method, path)

    assert_signed(response)
    body = response.json()
    assert body == {
        "error": error,
        "request_id": response.headers["x-request-id"],
        "timestamp": body["timestamp"],
    }
    assert body["timestamp"].endswith("Z")
    if error == NOT_FOUND:
        assert response.status == 404
    else:
        assert response.status == 405
        assert response.headers["allow"] in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/partner", 404, "NotFound"),
        ("GET", "/partner/nope", 404, "NotFound"),
        ("POST", "/partner/usage", 405, "MethodNotAllowed"),
        ("OPTIONS", "/partner/billing/usage", 405, "MethodNotAllowed"),
    ],
)
def test_partners_get_it_in_their_shape(
    method: str, path: str, status: int, code: str, client: Client
) -> None:
    response = client.stack.request(method, path)

    assert_signed(response)
    body = response.json()
    assert (response.status, body) == (
        status,
        {"code": code, "message": body["message"], "details": {}},
    )


def test_a_head_request_gets_headers_only(client: Client) -> None:
    response = client.stack.request("HEAD", "/v1/provider/dashboard")

    assert_signed(response)
    assert (response.status, response.body) == (405, b"")
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize("length", [65, 2042, 3000])
def test_an_id_that_no_key_of_the_table_could_hold(length: int, client: Client) -> None:
    some_id, key = "x" * length, client.keys.admin_key
    body = {"name": "n", "scopes": ["usage:read"], "status": "paid"}
    paths = {
        f"/v1/admin/tenants/{some_id}/api-keys": "POST",
        f"/v1/admin/payouts/{some_id}/status": "POST",
        f"/v1/provider/payouts/{some_id}": "GET",
        f"/v1/provider/datasets/{some_id}/analytics": "GET",
        f"/v1/api-keys/{some_id}": "DELETE",
    }

    statuses = {
        path: client.stack.request(method, path, headers={"X-API-Key": key}, json=body).status
        for path, method in paths.items()
    }

    assert statuses == dict.fromkeys(paths, 404)


def test_requests_are_bounded(client: Client) -> None:
    headers = {"X-API-Key": client.keys.admin_key}
    path, whole = "/v1/admin/tenants", b'{"display_name": "T"}'

    def status(body: bytes, **more: str) -> int:
        return client.stack.request("POST", path, headers=headers | more, body=body).status

    assert status(whole + b" " * 65_536) == 413
    assert status(whole, **{"Content-Encoding": "br"}) == 415
    assert status(b'{"display_name": "T", "display_name": "U"}') == 400
    assert status(whole) == 201


@pytest.mark.parametrize("stray", [",", "\xa0", "\x85", "\x1c"])
def test_what_stands_behind_a_key_is_not_taken_off(stray: str, client: Client) -> None:
    headers = {"X-API-Key": client.keys.admin_key + stray}

    response = client.stack.request("GET", "/v1/api-keys", headers=headers)

    assert_signed(response)
    assert response.status == 401
