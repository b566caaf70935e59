"""The client of the local stack's own OIDC issuer, linked to a tenant."""

from __future__ import annotations

from shlex import quote
from typing import NamedTuple
from urllib.parse import urljoin

from dev.stack import LocalStack
from tally.access.clients import link_client
from tally.audit.model import Actor, ActorType
from tally.aws.table import Table
from tally.kernel.clock import current_instant

# What the demo's keys may do, too.
_SCOPE = "tally/usage:read tally/billing:read tally/keys:write"


class OidcClient(NamedTuple):
    """Posting `grant_type=client_credentials` and `scope` to `token_url` gives an access token."""

    issuer: str
    token_url: str
    client_id: str
    client_secret: str
    scope: str


def link(stack: LocalStack, tenant_id: str) -> OidcClient:
    """The stack's client, whose tokens stand for the tenant from now on."""
    pool_id, client_id = stack.outputs["UserPoolId"], stack.outputs["MachineClientId"]
    described = stack.client("cognito-idp").describe_user_pool_client(
        UserPoolId=pool_id, ClientId=client_id
    )
    table = Table(stack.client("dynamodb"), stack.table_name)
    maker = Actor(ActorType.OPERATOR, "make up")
    link_client(table, client_id, tenant_id, actor=maker, now=current_instant())
    return OidcClient(
        issuer=stack.outputs["OidcIssuer"],
        token_url=urljoin(stack.endpoint_url, stack.outputs["OidcTokenUrl"]),
        client_id=client_id,
        client_secret=described["UserPoolClient"]["ClientSecret"],
        scope=_SCOPE,
    )


def bearer_call(client: OidcClient, url: str) -> str:
    """Lines for a shell: they get a token and call the URL with it."""
    reading = "import json, sys; print(json.load(sys.stdin)['access_token'])"
    return (
        f"TOKEN=$(curl -s -u {client.client_id}:{client.client_secret} "
        f"-d grant_type=client_credentials -d {quote(f'scope={client.scope}')} "
        f"{client.token_url} | python3 -c {quote(reading)})\n"
        f'curl -H "Authorization: Bearer $TOKEN" {url}'
    )
