"""Files that a function serves as they are, to everybody: no credential, nothing stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from tally.http.answers import JSON, gateway_response
from tally.http.envelopes import marketplace_error, signature
from tally.http.errors import ErrorAnswer, internal_error, no_such_path, refusal
from tally.http.frame import Answered, framed
from tally.http.headers import allowed_origins
from tally.http.requests import headers_of
from tally.kernel.clock import current_instant
from tally.logs import logger
from tally.wire.json import dump_json


class Keep(StrEnum):
    """What a browser may do with an answer; the value is its `Cache-Control`."""

    NEVER = "no-store"
    AND_ASK = "no-cache"
    """It keeps the file, but asks each time whether it still is what it was."""
    FOR_EVER = "public, max-age=31536000, immutable"
    """For a path that names its content, so that other content has another path."""


@dataclass(frozen=True, slots=True)
class File:
    """`headers`: those beside what every answer has."""

    path: Path
    content_type: str
    headers: Mapping[str, str]
    keep: Keep = Keep.AND_ASK

    def text(self) -> str:
        return _text_of(self.path)


@dataclass(frozen=True, slots=True)
class Made:
    """A file that is written by the function, when it starts."""

    content: str
    content_type: str
    headers: Mapping[str, str]
    keep: Keep = Keep.AND_ASK

    def text(self) -> str:
        return self.content


class Static:
    """`handler` is what Lambda calls. It serves the files that it is given and no others.

    `files`: path as API Gateway spells it, with its parameters filled in -> file. A path that ends
    with a slash is a folder's page; without its slash, it is answered with a redirect there. Tests
    replace what it needs by `dependency_overrides`.
    """

    def __init__(self, files: Mapping[str, File | Made]) -> None:
        self.files = files
        self.dependency_overrides: dict[Callable[..., Any], Callable[[], Any]] = {}

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """An API Gateway proxy event -> its response. Never raises."""
        path = _path_of(event)
        file = self.found(path)

        def answer(request_id: str) -> Answered:
            try:
                if file:
                    return Answered(_served(event, file))
                if f"{path}/" in self.files:
                    return Answered(_moved(path))
                return Answered(self._refused(event, refusal(no_such_path()), request_id))
            except Exception as error:  # noqa: BLE001  whatever it is, nothing of it may leave
                logger.error("request failed", exc_info=error)
                return Answered(self._refused(event, internal_error(), request_id))

        response = framed(event, context, answer, origins=self._provide(allowed_origins))
        if file and response["statusCode"] < 400:
            response["multiValueHeaders"]["Cache-Control"] = [file.keep.value]
        return response

    def found(self, path: str) -> File | Made | None:
        """The file at a path."""
        return self.files.get(path)

    def _refused(
        self, event: Mapping[str, Any], error: ErrorAnswer, request_id: str
    ) -> dict[str, Any]:
        signed = signature(request_id, self._provide(current_instant))
        text = dump_json(marketplace_error(error.body, signed))
        return _response(event, error.status_code, text, {}, JSON)

    def _provide[T](self, dependency: Callable[[], T]) -> T:
        provider: Callable[[], T] = self.dependency_overrides.get(dependency, dependency)
        return provider()


def _served(event: Mapping[str, Any], file: File | Made) -> dict[str, Any]:
    text = file.text()
    tag = _tag_of(text)
    headers = {"ETag": tag, **file.headers}
    if _is_known(tag, event):
        return _response(event, 304, "", headers, None)
    return _response(event, 200, text, headers, file.content_type)


def _moved(path: str) -> dict[str, Any]:
    """To the folder's page. Relative, because a stage or a domain may put something in front."""
    location = f"{path.rpartition('/')[2]}/"
    return gateway_response(308, "", {"Location": location}, content_type=None)


def _path_of(event: Mapping[str, Any]) -> str:
    """Without what a domain may put in front: by the resource and its parameters."""
    path = str(event["resource"])
    for name, value in (event.get("pathParameters") or {}).items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
    # API Gateway finds a resource with and without a slash at its end.
    return f"{path}/" if str(event["path"]).endswith("/") and not path.endswith("/") else path


@cache
def _text_of(path: Path) -> str:
    return path.read_bytes().decode()


@cache
def _tag_of(text: str) -> str:
    """A weak one, because API Gateway may compress the text."""
    return f'W/"{sha256(text.encode()).hexdigest()[:32]}"'


def _is_known(tag: str, event: Mapping[str, Any]) -> bool:
    """Whether the client has this content already (RFC 9110, 13.1.2)."""
    sent = ",".join(headers_of(event).get("if-none-match", ()))
    tags = [each.strip().removeprefix("W/") for each in sent.split(",")]
    return "*" in tags or tag.removeprefix("W/") in tags


def _response(
    event: Mapping[str, Any],
    status_code: int,
    text: str,
    headers: Mapping[str, str],
    content_type: str | None,
) -> dict[str, Any]:
    body = "" if event.get("httpMethod") == "HEAD" else text
    return gateway_response(status_code, body, headers, content_type)
