"""The OpenAPI 3.1 document of the API."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from dev import ROOT
from dev.openapi import events, headers, operations
from dev.openapi.declared import Operation
from dev.openapi.declared import operations as operations_of
from dev.openapi.errors import error_responses, error_schemas
from dev.openapi.examples import Seen, look_around
from dev.openapi.pages import page_errors, page_operation
from dev.openapi.schemas import merged
from dev.template import api_pages, routes
from tally.wire.json import dump_json

OPENAPI = ROOT / "functions/api/reference/openapi.json"
EVENTS_SCHEMA = ROOT / "docs/events.schema.json"

_DESCRIPTION = """\
Tally is the back office of a data marketplace: provider dashboards and payout statements, buyer \
dashboards and spend, partner analytics and billing. The marketplace tells it what happens by \
events, and Tally answers for the tenant of the credential.

Paths under `/v1` are the marketplace API: fields in snake_case, answers in an envelope. Paths \
under `/partner` are the partner API: fields in camelCase, no envelope, errors of another shape.

**Amounts are JSON numbers with all of their decimals** (`1250.00`, `0.0031`). Read them as \
decimals, not as binary floats: their `format` is `decimal`. Times are UTC, such as \
`2026-04-05T09:30:00Z`.

Unknown query parameters are ignored. A path that does not exist is answered with 404 \
`not_found`, and a method that a path does not have with 405 `method_not_allowed` and the header \
`Allow`, in the shape of the audience. An answer is at most 5 MiB: a page that would be longer has \
fewer rows, and `next_cursor` leads on.
"""
_SCHEMES: Mapping[str, Any] = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key: `ipto_...`.",
    },
    "partnerApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Partner-API-Key",
        "description": "The same, under the name that partners know.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, a session token (`sess_...`), or an access token of the OIDC "
        "issuer, if one is configured.",
    },
}
_SERVERS = [
    {
        "url": "{api_url}",
        "description": "The URL that `make up` or `make deploy` printed",
        "variables": {"api_url": {"default": "https://api.example.com"}},
    }
]


def texts() -> Mapping[Any, str]:
    """The documents that are made of the types: file -> what it must say."""
    return {OPENAPI: written(document()), EVENTS_SCHEMA: written(events.json_schema())}


def written(value: Any) -> str:
    """JSON with exact numbers."""
    return dump_json(value, indent=1) + "\n"


def document() -> dict[str, Any]:
    """SchemaError if a type does not say what is on the wire."""
    known = operations.in_order(operations_of(routes()))
    return assembled(known, look_around(known))


def assembled(known: list[Operation], seen: Seen) -> dict[str, Any]:
    """The document of these operations, with what was seen as examples."""
    described = operations.described(known)
    paths: dict[str, dict[str, Any]] = {}
    responses: dict[str, Any] = {}
    for each in known:
        refused = error_responses(each.endpoint.errors, seen.errors, partners=each.is_partners)
        responses |= dict(refused.values())
        told = operations.operation_object(each, described, seen.visits, _referred(refused))
        paths.setdefault(each.route.path, {})[each.route.method.lower()] = told
    for page in api_pages():
        refused = page_errors(page, seen.errors)
        responses |= dict(refused.values())
        paths[page.path] = {page.method.lower(): page_operation(page, _referred(refused))}
    schemas = merged(described.models, events.event_schemas(), error_schemas())
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": _SERVERS,
        "tags": operations.tags(),
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": dict(sorted(responses.items())),
            "headers": headers.header_components(),
            "securitySchemes": _SCHEMES,
        },
    }


def _referred(refused: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    return {
        status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in refused.items()
    }


def _info() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "title": "Tally",
        "version": project["version"],
        "description": _DESCRIPTION,
        "license": {"name": project["license"], "identifier": project["license"]},
    }
