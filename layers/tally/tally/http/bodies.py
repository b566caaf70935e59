"""Bodies of requests: `Body[Model]`, and the fields that several of them have."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tally.access.model.scopes import Scope
from tally.http.arguments import Argument
from tally.http.failures import InvalidFields
from tally.http.requests import Request
from tally.wire.fields import Name, Timestamp, message_of
from tally.wire.json import flaw_in, load_json

_Model = TypeVar("_Model")


class JsonBody:
    """The body, as JSON."""

    def read(self, request: Request, argument: Argument) -> Any:
        document = load_json_body(request.json_text)
        if document is None and not argument.is_required:
            return argument.default
        if document is None:
            raise InvalidFields([("body", "is required")])
        try:
            return TypeAdapter[Any](argument.kind).validate_python(document)
        except ValidationError as error:
            raise InvalidFields(
                [(_field(e["loc"]), message_of(e)) for e in error.errors()]
            ) from error


Body = Annotated[_Model, JsonBody()]
"""A model that a route reads from the body."""


def load_json_body(text: str) -> Any:
    """None if there is none. InvalidRequest if it is not JSON. InvalidFields names what readers
    could understand in different ways."""
    document = load_json(text) if text else None
    if flaw := flaw_in(document):
        raise InvalidFields([(flaw.field or "body", flaw.reason)])
    return document


def _field(location: tuple[str | int, ...]) -> str:
    """`("scopes", 0)` -> `scopes.0`; `()`, which is the body as a whole, -> `body`."""
    return ".".join(map(str, location)) or "body"


# --------------------------------------------------------------------- what several have


class ApiKeyRequest(BaseModel):
    """Without `expires_at`, the key does not expire, unless the key that makes it does."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: Timestamp | None = None


RequestsPerMinute = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""0: no limit."""

RetentionDays = Annotated[int, Field(strict=True, ge=1, le=36_500)]
