"""Requests and answers that more than one function has."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from tally.domain.api_keys import ApiKey
from tally.domain.instants import for_display
from tally.domain.scopes import Scope
from tally.http.fields import Name, Timestamp


class ApiKeyRequest(BaseModel):
    """`expires_at` must lie in the future; without it the key does not expire."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1)]
    expires_at: Timestamp | None = None


class ApiKeyAnswer(BaseModel):
    """A key as lists show it: without the key."""

    api_key_id: str
    key_prefix: str
    name: str
    scopes: list[Scope]
    status: str
    created_at: str
    expires_at: str | None


class NewApiKeyAnswer(ApiKeyAnswer):
    """The only answer that has the key."""

    key: str


def api_key_fields(key: ApiKey) -> dict[str, object]:
    return {
        "api_key_id": key.api_key_id,
        "key_prefix": key.prefix,
        "name": key.name,
        "scopes": list(key.scopes),
        "status": key.status,
        "created_at": for_display(key.created_at),
        "expires_at": key.expires_at and for_display(key.expires_at),
    }
