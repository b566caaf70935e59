"""Access tokens of the OIDC issuer: whose they are and what they may do.

Importing this loads PyJWT and cryptography: it is left until a JWT arrives.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import timedelta
from functools import cache, partial
from typing import Any, NamedTuple
from urllib.parse import urljoin

from tally.access.clients import find_link
from tally.access.issuer_keys import IssuerKeys
from tally.access.items import tenant_key
from tally.access.jwks import fetch_keys
from tally.access.model.access_tokens import Grant, Trust, granted, signer_named
from tally.access.model.callers import Caller, Proof
from tally.aws.table import Table
from tally.kernel.errors import InvalidRequest, Unauthorized
from tally.kernel.instants import Instant, plus
from tally.kernel.memory import Memory
from tally.wire.json import flaw_in, load_json

MAX_TOKEN_LENGTH = 8192
_PART = "[A-Za-z0-9_-]+"
_JWT = re.compile(rf"({_PART})\.({_PART})\.{_PART}", re.ASCII)

# A client that is unlinked must stop everywhere within 30 seconds.
_TRUSTED_FOR = timedelta(seconds=20)
_MOST_REMEMBERED = 1000


class _Standing(NamedTuple):
    """What a grant rests on: a tenant that it names, or a client without one."""

    tenant_id: str | None
    client_id: str | None


class AccessTokens:
    """Proves the access tokens of one issuer."""

    def __init__(self, trust: Trust, keys: IssuerKeys) -> None:
        self._trust = trust
        self._keys = keys
        self._tenants: Memory[_Standing, tuple[Instant, str]] = Memory(_MOST_REMEMBERED)

    def prove(self, token: str, table: Table, now: Instant, *, remembers: bool) -> Caller:
        """Unauthorized unless it is valid; Unavailable if its key cannot be had now.

        What can be refused without the key is refused first: nobody makes us fetch keys for it.
        """
        header, claims = _parts_of(token)
        signer = signer_named(header)
        grant = granted(self._trust, header, claims, now)
        if signer is None or grant is None:
            raise Unauthorized
        key = self._keys.find(signer.key_id, now)
        if key is None or key.algorithm != signer.algorithm or not key.signed(token):
            raise Unauthorized
        tenant_id = self._tenant_of(grant, table, now, remembers=remembers)
        if tenant_id is None:
            raise Unauthorized
        return Caller(tenant_id, grant.scopes, grant.subject, grant.expires_at, Proof.ACCESS_TOKEN)

    def _tenant_of(
        self, grant: Grant, table: Table, now: Instant, *, remembers: bool
    ) -> str | None:
        """None if the token's tenant does not exist, or its client is not linked to one."""
        standing = _Standing(grant.tenant_id, None if grant.tenant_id else grant.client_id)
        trusted_until, known = self._tenants.get(standing) or ("", None)
        if remembers and known and now < trusted_until:
            return known
        tenant_id = _look_up(standing, table)
        if tenant_id:
            self._tenants.put(standing, (plus(now, _TRUSTED_FOR), tenant_id))
        return tenant_id


def prove_access_token(
    token: str, table: Table, now: Instant, *, remembers: bool = False
) -> Caller:
    """`remembers`: a tenant or link that was read in the last seconds is not read again.

    Unauthorized unless the token is valid; Unavailable if its key cannot be had now.
    """
    return access_tokens().prove(token, table, now, remembers=remembers)


@cache
def access_tokens() -> AccessTokens:
    """Of the issuer that the stack's parameters name."""
    fetch = partial(fetch_keys, jwks_url(os.environ))
    return AccessTokens(trust_of(os.environ), IssuerKeys(fetch))


def trust_of(settings: Mapping[str, str]) -> Trust:
    """`settings`: a function's environment."""
    return Trust(
        issuer=settings["OIDC_ISSUER"],
        audiences=frozenset(filter(None, settings["OIDC_AUDIENCE"].split(","))),
        tenant_claim=settings["OIDC_TENANT_CLAIM"],
        scope_claim=settings["OIDC_SCOPE_CLAIM"],
        scope_prefix=settings["OIDC_SCOPE_PREFIX"],
    )


def jwks_url(settings: Mapping[str, str]) -> str:
    """Where the issuer's keys are. ValueError unless they come over HTTPS.

    On the local stack alone, the template gives a path, on whatever address that has: the issuer's
    own address would lead from the embedded AWS to the real one.
    """
    uri, issuer = settings["OIDC_JWKS_URI"], settings["OIDC_ISSUER"]
    if uri.startswith("/"):
        return urljoin(settings["AWS_ENDPOINT_URL"], uri)
    url = uri or f"{issuer.rstrip('/')}/.well-known/jwks.json"
    if not url.startswith("https://"):
        raise ValueError(f"keys must come over HTTPS, not from {url}")
    return url


def _parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, as everybody would read them. Nothing is proved by this."""
    match = _JWT.fullmatch(token) if len(token) <= MAX_TOKEN_LENGTH else None
    if match is None:
        raise Unauthorized
    try:
        header, claims = (load_json(urlsafe_b64decode(_padded(part))) for part in match.groups())
    except (InvalidRequest, ValueError) as error:
        raise Unauthorized from error
    for part in (header, claims):
        if not isinstance(part, dict) or flaw_in(part):
            raise Unauthorized
    return header, claims


def _padded(part: str) -> str:
    return part + "=" * (-len(part) % 4)


def _look_up(standing: _Standing, table: Table) -> str | None:
    tenant_id, client_id = standing
    if tenant_id:
        return tenant_id if table.get(tenant_key(tenant_id), consistent=True) else None
    link = find_link(table, client_id) if client_id else None
    return link.tenant_id if link else None
