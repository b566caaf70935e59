"""A real access token: from the stack's own issuer, over HTTP, to an answer."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from dev import oidc
from dev.oidc import OidcClient, bearer_call
from tally.access.clients import unlink_client
from tally.audit.model import Actor, ActorType
from tally.aws.table import Table
from tally.kernel.clock import current_instant
from tests.stack.client import Client

DASHBOARD = "/v1/provider/dashboard"


@pytest.fixture
def linked(client: Client) -> OidcClient:
    return oidc.link(client.stack, client.stack.outputs["PlatformTenantId"])


def post_form(url: str, form: Mapping[str, str]) -> tuple[int, Any]:
    """Status and body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", parts.path, urlencode(form), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def token_for(linked: OidcClient, scope: str) -> str:
    status, granted = post_form(
        linked.token_url,
        {
            "grant_type": "client_credentials",
            "client_id": linked.client_id,
            "client_secret": linked.client_secret,
            "scope": scope,
        },
    )
    assert status == 200, granted
    token: str = granted["access_token"]
    return token


def get(client: Client, token: str, path: str = DASHBOARD) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return client.stack.request("GET", path, headers=headers).status


def part_of(token: str, n: int) -> dict[str, Any]:
    part = token.split(".")[n]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def test_the_stacks_issuer_signs_tokens_that_the_api_takes(
    client: Client, linked: OidcClient
) -> None:
    token = token_for(linked, linked.scope)

    assert part_of(token, 0)["alg"] == "RS256"
    assert part_of(token, 1)["iss"] == linked.issuer
    assert get(client, token) == 200
    assert get(client, token, "/v1/buyer/spend") == 200
    assert get(client, f"{token[:-4]}AAAA") == 401


def test_a_token_may_do_what_it_was_made_for(client: Client, linked: OidcClient) -> None:
    token = token_for(linked, "tally/billing:read")

    assert get(client, token, "/v1/buyer/spend") == 200
    assert get(client, token) == 403


def test_the_stacks_client_cannot_administer(linked: OidcClient) -> None:
    status, refused = post_form(
        linked.token_url,
        {
            "grant_type": "client_credentials",
            "client_id": linked.client_id,
            "client_secret": linked.client_secret,
            "scope": "tally/admin:*",
        },
    )

    assert (status, refused) == (400, {"error": "invalid_grant"})


def test_an_unlinked_client_administers_keys_no_more(client: Client, linked: OidcClient) -> None:
    token = token_for(linked, "tally/keys:write")
    table = Table(client.stack.client("dynamodb"), client.stack.table_name)
    assert get(client, token, "/v1/api-keys") == 200

    operator = Actor(ActorType.OPERATOR, "test")
    unlink_client(table, linked.client_id, actor=operator, now=current_instant())

    assert get(client, token, "/v1/api-keys") == 401


def test_the_printed_lines_work(client: Client, linked: OidcClient) -> None:
    lines = bearer_call(linked, f"{client.stack.api_url}{DASHBOARD}")

    done = subprocess.run(  # noqa: S602  as a user pastes it
        lines, shell=True, capture_output=True, text=True, check=True, timeout=60
    )

    assert json.loads(done.stdout)["data"]["total_datasets"] == 0
