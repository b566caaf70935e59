"""Issuing API keys."""

from __future__ import annotations

from collections.abc import Iterable

from tally.access.api_keys import create_api_key
from tally.access.model.api_keys import ApiKey, earlier
from tally.access.model.callers import Caller
from tally.access.model.key_hashing import generate_key, parse_key
from tally.access.model.scopes import Scope
from tally.audit.model import Actor
from tally.aws.table import Table
from tally.kernel.errors import InvalidRequest
from tally.kernel.instants import Instant


def issue_api_key(
    table: Table,
    tenant_id: str,
    *,
    name: str,
    scopes: Iterable[Scope],
    now: Instant,
    expires_at: Instant | None = None,
    maker: Caller | None = None,
    actor: Actor | None,
) -> tuple[str, ApiKey]:
    """A new key: its text, which is stored nowhere, and what is stored of it.

    In the maker's own tenant it expires no later than the maker: a key cannot prolong itself.
    InvalidRequest if it would have expired; NotFound if the tenant does not exist; Unauthorized if
    the maker's key was revoked meanwhile. `actor`: who issues it, for the audit trail; None only
    for keys that nobody is given.
    """
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest("expires_at must be in the future.", field="expires_at")
    if maker and maker.tenant_id == tenant_id:
        expires_at = earlier(expires_at, maker.expires_at)
    text, key = new_api_key(
        tenant_id, name=name, scopes=scopes, created_at=now, expires_at=expires_at
    )
    create_api_key(table, key, maker, actor)
    return text, key


def new_api_key(
    tenant_id: str,
    *,
    name: str,
    scopes: Iterable[Scope],
    created_at: Instant,
    expires_at: Instant | None,
) -> tuple[str, ApiKey]:
    """The text of a key that nobody has yet, and what is to be stored of it."""
    text = generate_key()
    credential = parse_key(text)
    if credential is None:
        raise AssertionError("a generated key must be well-formed")
    key = ApiKey(
        prefix=credential.prefix,
        tenant_id=tenant_id,
        name=name,
        scopes=tuple(dict.fromkeys(scopes)),
        secret_hash=credential.secret_hash,
        created_at=created_at,
        expires_at=expires_at,
    )
    return text, key
