"""The errors of an operation, in the shape of its audience."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from dev.openapi import headers, prose
from dev.openapi.schemas import Schema
from dev.template import resources
from tally.http.envelopes import partner_error
from tally.http.errors import HEADERS, STATUSES, internal_error
from tally.kernel.errors import TallyError

type Examples = Mapping[tuple[str, bool], Any]
"""Code of an error, and whether partners get it -> an answer."""

ERROR, PARTNER_ERROR = "Error", "PartnerError"

_INTERNAL = str(internal_error().body["code"])
_REFERENCE = "#/components/schemas/"
_SIGNATURE: Schema = {
    "request_id": {"type": "string", "description": "The same as the header `X-Request-Id`."},
    "timestamp": {"type": "string", "format": "date-time"},
}


class _Error(NamedTuple):
    code: str
    status: int
    headers: tuple[str, ...]


def signed(content: Mapping[str, Schema]) -> Schema:
    """An object of the marketplace API: content with the request's id and the time."""
    return {
        "type": "object",
        "properties": {**content, **_SIGNATURE},
        "required": [*content, *_SIGNATURE],
    }


def error_schemas() -> dict[str, Schema]:
    """By name: an error under /v1, and one under /partner."""
    text: Schema = {"type": "string"}
    detail: Schema = {
        "type": "object",
        "properties": {"field": text, "message": text},
        "required": ["field", "message"],
    }
    error: Schema = {
        "type": "object",
        "properties": {
            "code": text | {"description": "Stable; for programs."},
            "message": text | {"description": "For people; it may change."},
            "details": {
                "type": "array",
                "items": detail,
                "maxItems": 20,
                "description": "The fields that are wrong, if there are any.",
            },
        },
        "required": ["code", "message", "details"],
    }
    whole = signed({"error": error})
    whole["properties"]["timestamp"] = {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "null if API Gateway refused the request before Tally saw it.",
    }
    details: Schema = {
        "type": "object",
        "additionalProperties": text,
        "description": "What is wrong with each field, if any is.",
    }
    partners = {**error, "properties": {**error["properties"], "details": details}}
    return {ERROR: whole, PARTNER_ERROR: partners}


def error_responses(
    kinds: Iterable[type[TallyError]], examples: Examples, *, partners: bool, limited: bool = True
) -> dict[str, tuple[str, Any]]:
    """Status -> response, with its name, of these errors and of those that any request may meet."""
    errors = [*map(_of_kind, kinds), _Error(_INTERNAL, 500, ())]
    responses = {}
    for status in sorted({429, *(each.status for each in errors)}):
        ours = sorted(each for each in errors if each.status == status)
        theirs = sorted(code for code, known in gateway_errors().items() if known == status)
        responses[str(status)] = (
            _name([each.code for each in ours] or theirs, partners=partners, limited=limited),
            _response(ours, theirs, examples, partners=partners, limited=limited),
        )
    return responses


def _name(codes: list[str], *, partners: bool, limited: bool) -> str:
    """`InvalidCursorOrInvalidRequest`, unique among all that are different."""
    words = "Or".join("".join(map(str.capitalize, code.split("_"))) for code in codes)
    return f"{'Partner' if partners else ''}{words}{'' if limited else 'OfPage'}"


def _response(
    ours: list[_Error], theirs: list[str], examples: Examples, *, partners: bool, limited: bool
) -> dict[str, Any]:
    own = [each.code for each in ours]
    codes = dict.fromkeys([*own, *theirs])
    shown = {code: examples[code, partners] for code in own if (code, partners) in examples}
    sent = headers.of_answers(partners=partners, limited=limited)
    if theirs == ["too_many_requests"]:
        sent |= headers.named(["Retry-After"])  # which API Gateway does not say
    content = {
        "schema": _schema(ours, theirs, partners=partners),
        "examples": {code: {"value": body} for code, body in shown.items()},
    }
    return {
        "description": "\n".join(f"- `{code}`: {prose.causes().get(code, '')}" for code in codes),
        "headers": sent
        | headers.named((name for each in ours for name in each.headers), required=True),
        "content": {"application/json": content if shown else {"schema": content["schema"]}},
    }


@cache
def gateway_errors() -> Mapping[str, int]:
    """What API Gateway answers itself to a request for a route: code -> status."""
    ((_, api),) = resources("AWS::Serverless::Api").items()
    found = {}
    for kind, response in api["Properties"]["GatewayResponses"].items():
        (body,) = response["ResponseTemplates"].values()
        (code,) = re.findall(r'"code": "(\w+)"', body)
        found[code] = response.get("StatusCode", 400 if "4XX" in kind else 500)
    return {code: status for code, status in found.items() if status != 404}


def _of_kind(kind: type[TallyError]) -> _Error:
    return _Error(kind.code, STATUSES[kind], tuple(HEADERS.get(kind, {})))


def _schema(ours: list[_Error], theirs: list[str], *, partners: bool) -> Schema:
    """API Gateway does not know audiences: what it answers has the marketplace's shape."""
    if not partners:
        return _coded([*(each.code for each in ours), *theirs])
    choices = [_coded_for_partners(ours)] if ours else []
    choices += [_coded(theirs)] if theirs else []
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _coded(codes: Iterable[str]) -> Schema:
    error = {"properties": {"code": {"enum": sorted(set(codes))}}}
    return {"allOf": [{"$ref": _REFERENCE + ERROR}, {"properties": {"error": error}}]}


def _coded_for_partners(errors: Iterable[_Error]) -> Schema:
    blank = {"message": "", "details": []}
    codes = sorted({str(partner_error(blank, each.status)["code"]) for each in errors})
    of_code = {"properties": {"code": {"enum": codes}}}
    return {"allOf": [{"$ref": _REFERENCE + PARTNER_ERROR}, of_code]}
