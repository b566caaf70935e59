"""Issuing an API key, for both endpoints that do."""

from __future__ import annotations

from tally.domain import api_keys
from tally.domain.api_keys import ApiKey
from tally.domain.errors import InvalidRequest
from tally.domain.instants import Instant
from tally.http.models import ApiKeyRequest, NewApiKeyAnswer, api_key_fields
from tally.store.api_keys import create_api_key
from tally.store.table import Table


def issue_api_key(
    table: Table, tenant_id: str, wanted: ApiKeyRequest, now: Instant
) -> NewApiKeyAnswer:
    """A new key of the tenant; NotFound if there is no such tenant."""
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise InvalidRequest("expires_at must lie in the future.", field="expires_at")
    text = api_keys.generate()
    credential = api_keys.parse(text)
    if credential is None:
        raise AssertionError("a generated key must be well-formed")
    key = ApiKey(
        prefix=credential.prefix,
        tenant_id=tenant_id,
        name=wanted.name,
        scopes=tuple(dict.fromkeys(wanted.scopes)),
        secret_hash=credential.secret_hash,
        created_at=now,
        expires_at=wanted.expires_at,
    )
    create_api_key(table, key)
    return NewApiKeyAnswer.model_validate(api_key_fields(key) | {"key": text})
