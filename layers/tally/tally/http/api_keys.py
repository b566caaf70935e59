"""API keys as requests and answers; three routes issue them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from tally.access.model.api_keys import ApiKey
from tally.access.model.scopes import Scope
from tally.http.dependencies import path_id
from tally.kernel.instants import for_display
from tally.wire.fields import Name, Timestamp

ApiKeyId = Annotated[str, path_id("API key")]


class ApiKeyRequest(BaseModel):
    """Without `expires_at`, the key does not expire, unless the key that makes it does."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: Timestamp | None = None


class ApiKeyAnswer(BaseModel):
    """A key, without its text."""

    api_key_id: str
    key_prefix: str
    name: str
    scopes: list[Scope]
    status: str
    created_at: str
    expires_at: str | None


class ListedApiKeyAnswer(ApiKeyAnswer):
    """A key in a list. `last_used_at` is up to an hour late; null if the key was never used."""

    last_used_at: str | None


class NewApiKeyAnswer(ApiKeyAnswer):
    """A key that was just issued: the only answer with the text of the key."""

    key: str


class RotatedApiKeyAnswer(NewApiKeyAnswer):
    """The key that takes the place of another. `replaces` is the other's id."""

    replaces: str


def api_key_answer(key: ApiKey) -> ApiKeyAnswer:
    return ApiKeyAnswer(
        api_key_id=key.api_key_id,
        key_prefix=key.prefix,
        name=key.name,
        scopes=list(key.scopes),
        status=key.status,
        created_at=for_display(key.created_at),
        expires_at=key.expires_at and for_display(key.expires_at),
    )


def listed_api_key_answer(key: ApiKey) -> ListedApiKeyAnswer:
    last_used_at = key.last_used_at and for_display(key.last_used_at)
    return ListedApiKeyAnswer(**api_key_answer(key).model_dump(), last_used_at=last_used_at)


def new_api_key_answer(text: str, key: ApiKey) -> NewApiKeyAnswer:
    return NewApiKeyAnswer(**api_key_answer(key).model_dump(), key=text)
