"""Routes -> operations of the document, and the schemas that these refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from dev import ROOT
from dev.openapi import events, headers, prose
from dev.openapi.declared import Operation, Outcome, sent_type
from dev.openapi.errors import signed
from dev.openapi.examples import Visit
from dev.openapi.schemas import Schema, SchemaError, merged, schemas_of
from tally.http.arguments import Argument
from tally.http.endpoint import Endpoint
from tally.http.partner import PartnerEndpoint
from tally.wire.fields import Id

_REFERENCE = "#/components/schemas/"
_SCHEMES = {"x-api-key": "apiKey", "x-partner-api-key": "partnerApiKey"}
_TAGS = {
    "events": "Events",
    "provider": "Provider",
    "buyer": "Buyer",
    "partner": "Partner",
    "api_keys": "Credentials",
    "sessions": "Credentials",
    "current_session": "Credentials",
    "admin": "Administration",
    "reference": "Reference",
}
"""The folder of a function below functions/api -> the heading that its routes have."""

# Of paths and queries, which have no model with a docstring.
_ABOUT = {
    "limit": "The rows of a page, at most.",
    "cursor": "`next_cursor` of the page before; without one, the list starts from its beginning.",
    "before": "The texts of searches before this time.",
    "month": "The month; without it, the current one.",
    "page": "The number of the page.",
    "period": "The month; without one, the latest that has ended.",
    "pageSize": "The rows of a page.",
    "startDate": "The first day: a date, or a date-time, of which the UTC day counts.",
    "endDate": "The last day, included.",
    "from": "The first day: a date, a date-time, of which the UTC day counts, or a month.",
    "to": "The last day, included; of a month, its last one.",
    "granularity": "What a period is.",
    "dataset_id": "Only what this dataset earned. It may be deleted.",
    "currency": "Of amounts; without it, the tenant's billing currency.",
    "status": "Only those with this status.",
    "search": "Only those with this in their name, in any case.",
    "externalId": "Only the one with this external id.",
    "backfill": "Import history: charges post to the month of their `time`. Needs `admin:*` of the "
    "platform tenant.",
}


@dataclass(frozen=True)
class Described:
    """Operations, with the schemas of what they take and answer by the types that they declare."""

    sent: Mapping[Any, Schema]
    answered: Mapping[Any, Schema]
    models: Mapping[str, Schema]


def described(operations: Iterable[Operation]) -> Described:
    """SchemaError if a type does not say what is on the wire."""
    known = list(operations)
    bodies = {each.body.model: each.body.model for each in known if each.body}
    parameters = {
        (each.id, asked.wire_name): sent_type(asked) for each in known for asked in each.query
    }
    sent, sent_models = schemas_of({"id": Id, **bodies, **parameters}, "validation")
    answered, answered_models = _answered(
        (each for each in known if not each.is_partners), Endpoint.wire_name
    )
    of_partners, partners_models = _answered(
        (each for each in known if each.is_partners), PartnerEndpoint.wire_name
    )
    enveloped = {
        envelope_of(out.model): signed({"data": answered[out.model]})
        for each in known
        if not each.is_partners
        for out in each.outcomes
        if out.model
    }
    models = merged(sent_models, answered_models, partners_models, enveloped)
    return Described(sent, {**answered, **of_partners}, models)


def _answered(
    operations: Iterable[Operation], wire_name: Callable[[str], str]
) -> tuple[Mapping[Any, Schema], Mapping[str, Schema]]:
    """The schemas of what one audience gets, and the models that they refer to."""
    models = {out.model: out.model for each in operations for out in each.outcomes if out.model}
    return schemas_of({**models}, "serialization", wire_name)


def envelope_of(model: type | None) -> str:
    """The name of the schema of a whole answer."""
    return f"{model.__name__}Envelope" if model else ""


def tag_of(operation: Operation) -> str:
    """SchemaError for a folder that has no heading."""
    file = Path(str(operation.route.module.__file__))
    name = file.relative_to(ROOT / "functions/api").parts[0]
    if name not in _TAGS:
        raise SchemaError(f"say in dev/openapi/operations.py under which heading {name} belongs")
    return _TAGS[name]


def tags() -> list[dict[str, str]]:
    return [{"name": name} for name in dict.fromkeys(_TAGS.values())]


def in_order(known: Iterable[Operation]) -> list[Operation]:
    """By heading, path and method."""
    headings = list(dict.fromkeys(_TAGS.values()))
    return sorted(
        known,
        key=lambda each: (headings.index(tag_of(each)), each.route.path, each.route.method),
    )


def operation_object(
    operation: Operation,
    schemas: Described,
    visits: Iterable[Visit],
    errors: Mapping[str, Any],
) -> dict[str, Any]:
    """The operation as the document has it. `errors`: its responses that are none of success."""
    seen = [each for each in visits if each.route == operation.route]
    summary, text = prose.of_module(operation.route.module)
    about = {
        "tags": [tag_of(operation)],
        "operationId": operation.id,
        "summary": summary,
        "description": "\n\n".join(filter(None, (text, _rights(operation)))),
        "x-required-scope": operation.endpoint.scope,
        "x-platform-only": operation.endpoint.platform_only,
        "security": _security(operation),
        "parameters": _parameters(operation, schemas),
    }
    body = _body(operation, schemas, seen)
    responses = {**_successes(operation, schemas, seen), **errors}
    by_status = {"responses": dict(sorted(responses.items()))}
    return about | ({"requestBody": body} if body else {}) | by_status


def _rights(operation: Operation) -> str:
    endpoint = operation.endpoint
    if endpoint.scope is None:
        return "Any valid API key will do."
    owner = " of the platform tenant" if endpoint.platform_only else ""
    return f"Needs the scope `{endpoint.scope}`{owner}."


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """One credential of any kind. The names in the lists are scopes, as OpenAPI 3.1 allows."""
    endpoint = operation.endpoint
    scopes = [str(endpoint.scope)] if endpoint.scope else []
    schemes = [*(_SCHEMES[name] for name in endpoint.key_headers), "bearer"]
    return [{scheme: scopes} for scheme in schemes]


def _parameters(operation: Operation, schemas: Described) -> list[dict[str, Any]]:
    return [
        *(_path_id(each, schemas.sent["id"]) for each in operation.path_ids),
        *(_in_query(each, schemas.sent[operation.id, each.wire_name]) for each in operation.query),
    ]


def _path_id(argument: Argument, schema: Schema) -> dict[str, Any]:
    """What cannot be an id is answered like an id that does not exist."""
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"The `{argument.name}`.",
        "schema": schema,
    }


def _in_query(argument: Argument, schema: Schema) -> dict[str, Any]:
    if not argument.is_required and argument.default is not None:
        schema = schema | {"default": argument.default}
    about = _ABOUT.get(argument.wire_name)
    described = {"description": about} if about else {}
    return {
        "name": argument.wire_name,
        "in": "query",
        "required": argument.is_required,
        **described,
        "schema": schema,
    }


def _body(operation: Operation, schemas: Described, seen: list[Visit]) -> dict[str, Any] | None:
    example = {"example": seen[0].sent} if seen and seen[0].sent is not None else {}
    if operation.body:
        schema = schemas.sent[operation.body.model]
        if not operation.body.required:
            schema = {"anyOf": [schema, {"type": "null"}]}
        content = {"schema": schema, **example}
        return {
            "required": operation.body.required,
            "content": {"application/json": content},
        }
    if not operation.endpoint.raw_body:
        return None
    return {
        "required": True,
        "content": {
            media_type: {"schema": schema, **events.shown_as(media_type, seen[0].sent)}
            for media_type, schema in events.media_types().items()
        },
    }


def _varies(operation: Operation) -> bool:
    return bool(operation.endpoint.rows or operation.endpoint.varies_by)


def _successes(
    operation: Operation, schemas: Described, seen: list[Visit]
) -> dict[str, dict[str, Any]]:
    responses: dict[str, dict[str, Any]] = {}
    for outcome in operation.outcomes:
        response = responses.setdefault(
            str(outcome.status),
            {
                "description": outcome.when or HTTPStatus(outcome.status).phrase,
                "headers": headers.of_answers(partners=operation.is_partners, limited=True)
                | headers.named(["Vary"] if _varies(operation) else []),
                "content": {},
            },
        )
        response["content"] |= _content(operation, outcome, schemas, seen)
        if outcome.form:
            response["headers"] |= {
                name: {"description": says, "schema": {"type": "string"}}
                for name, says in outcome.form.headers.items()
            }
    return responses


def _content(
    operation: Operation, outcome: Outcome, schemas: Described, seen: list[Visit]
) -> dict[str, Any]:
    media_type = outcome.form.media_type if outcome.form else "application/json"
    if outcome.form:
        schema: Schema = {"type": "string", "description": outcome.form.description}
    elif operation.is_partners:
        schema = schemas.answered[outcome.model]
    else:
        schema = {"$ref": _REFERENCE + envelope_of(outcome.model)}
    shown = next(
        (v.answer for v in seen if (v.status, v.media_type) == (outcome.status, media_type)), None
    )
    return {media_type: {"schema": schema} | ({"example": shown} if shown is not None else {})}
