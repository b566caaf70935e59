"""API keys as answers; three routes issue them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from tally.access.model.api_keys import ApiKey
from tally.access.model.scopes import Scope
from tally.http.arguments import PathId
from tally.kernel.instants import for_display

ApiKeyId = Annotated[str, PathId("API key")]


@dataclass(frozen=True, slots=True)
class ApiKeyAnswer:
    """A key, without its text."""

    api_key_id: str
    key_prefix: str
    name: str
    scopes: list[Scope]
    status: str
    created_at: str
    expires_at: str | None


@dataclass(frozen=True, slots=True)
class ListedApiKeyAnswer(ApiKeyAnswer):
    """A key in a list. `last_used_at` is up to an hour late; null if the key was never used."""

    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class NewApiKeyAnswer(ApiKeyAnswer):
    """A key that was just issued: the only answer with the text of the key."""

    key: str


@dataclass(frozen=True, slots=True)
class RotatedApiKeyAnswer(NewApiKeyAnswer):
    """The key that takes the place of another. `replaces` is the other's id."""

    replaces: str


def listed_api_key_answer(key: ApiKey) -> ListedApiKeyAnswer:
    last_used_at = key.last_used_at and for_display(key.last_used_at)
    return ListedApiKeyAnswer(**_without_text(key), last_used_at=last_used_at)


def new_api_key_answer(text: str, key: ApiKey) -> NewApiKeyAnswer:
    return NewApiKeyAnswer(**_without_text(key), key=text)


def rotated_api_key_answer(text: str, key: ApiKey, replaces: str) -> RotatedApiKeyAnswer:
    return RotatedApiKeyAnswer(**_without_text(key), key=text, replaces=replaces)


def _without_text(key: ApiKey) -> dict[str, Any]:
    return {
        "api_key_id": key.api_key_id,
        "key_prefix": key.prefix,
        "name": key.name,
        "scopes": list(key.scopes),
        "status": key.status,
        "created_at": for_display(key.created_at),
        "expires_at": key.expires_at and for_display(key.expires_at),
    }
