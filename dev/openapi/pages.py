"""What the API serves to everybody: this document, and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dev.openapi import headers
from dev.openapi.errors import Examples, error_responses
from dev.template import Route
from tally.http.static import File, Keep, Made, Static
from tally.kernel.errors import NotFound
from tally.wire.json import media_type

_ABOUT: Mapping[str, tuple[str, str]] = {
    "/v1/openapi.json": ("openApi", "This document"),
    "/v1/reference": ("reference", "A page to read this document with, and to try the API"),
    "/v1/reference/{file}": ("referenceFile", "What the page consists of"),
}


def page_operation(route: Route, refused: Mapping[str, Any]) -> dict[str, Any]:
    """The operation as the document has it. `refused`: its errors."""
    name, summary = _ABOUT[route.path]
    files = _files_of(route)
    cached = next(iter(files.values())).keep is not Keep.NEVER
    parameters = [_named(sorted(files))] if "{file}" in route.path else []
    return {
        "tags": ["Reference"],
        "operationId": name,
        "summary": summary,
        "description": "Needs no credential.",
        "x-required-scope": None,
        "x-platform-only": False,
        "security": [],
        "parameters": [*parameters, _IF_NONE_MATCH],
        "responses": {
            "200": {
                "description": "The file." + (" Browsers may keep it, and ask." if cached else ""),
                "headers": _headers(),
                "content": {
                    kind: {"schema": {"type": "object"} if "json" in kind else {"type": "string"}}
                    for kind in sorted({media_type(file.content_type) for file in files.values()})
                },
            },
            "304": {"description": "The client has it already.", "headers": _headers()},
            **refused,
        },
    }


def page_errors(route: Route, examples: Examples) -> dict[str, tuple[str, Any]]:
    """Status -> response, with its name."""
    kinds = [NotFound] if "{file}" in route.path else []
    return error_responses(kinds, examples, partners=False, limited=False)


_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of what the client has.",
    "schema": {"type": "string"},
}


def _named(paths: list[str]) -> dict[str, Any]:
    names = [path.rpartition("/")[2] for path in paths]
    return {
        "name": "file",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": names},
    }


def _files_of(route: Route) -> dict[str, File | Made]:
    static: Static = route.module.endpoint
    start, is_folder, _ = route.path.partition("{file}")
    return {
        path: file
        for path, file in static.files.items()
        if (path.startswith(start) if is_folder else path == start)
    }


def _headers() -> dict[str, Any]:
    return headers.of_answers(partners=False, limited=False) | headers.named(
        ["ETag"], required=True
    )
