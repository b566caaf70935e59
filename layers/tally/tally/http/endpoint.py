"""The entry point of a function: credential, scope, validation, envelope, errors, one log line."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import Signature, signature
from typing import Annotated, Any, ClassVar
from uuid import uuid4

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Depends, Request, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import BaseModel

from tally.domain.errors import (
    InsufficientScope,
    NotFound,
    TallyError,
    UnsupportedMediaType,
)
from tally.domain.instants import Instant, for_display
from tally.domain.scopes import Scope, satisfies
from tally.http.clock import current_instant
from tally.http.credentials import Authenticator, Caller
from tally.http.errors import (
    HEADERS,
    STATUSES,
    error_body,
    internal_error_body,
    validation_error_body,
)
from tally.http.json import decode, dump_json, load_json, media_type
from tally.store.table import Table, default_table

_JSON = "application/json"

logger = Logger(service="tally")


def platform_tenant_id() -> str:
    return os.environ["PLATFORM_TENANT_ID"]


def _caller(request: Request) -> Caller:
    caller: Caller = request.context["caller"]
    return caller


def _now(request: Request) -> Instant:
    now: Instant = request.context["now"]
    return now


# Plain aliases: Powertools does not look into `type` statements.
CurrentCaller = Annotated[Caller, Depends(_caller)]
Now = Annotated[Instant, Depends(_now)]
TheTable = Annotated[Table, Depends(default_table)]
PlatformTenantId = Annotated[str, Depends(platform_tenant_id)]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose status is not the same each time."""

    data: BaseModel
    status_code: int


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is not JSON."""

    body: str
    content_type: str


class Endpoint:
    """One route with its scope; `handler` is what Lambda calls.

    `platform_only`: the caller must belong to the platform tenant. `raw_body`: the route reads
    the body itself, by `request_body`; else it must be JSON. A route returns a model, an
    Answer with one, or a Text. Models are wrapped in `{"data", "request_id", "timestamp"}`,
    errors in `{"error", "request_id", "timestamp"}`.
    """

    key_headers: ClassVar[Sequence[str]] = ("x-api-key",)

    def __init__(
        self, scope: Scope, *, platform_only: bool = False, raw_body: bool = False
    ) -> None:
        self.scope = scope
        self.platform_only = platform_only
        self.raw_body = raw_body
        self._authenticator = Authenticator(self.key_headers)
        self.resolver = APIGatewayRestResolver(
            enable_validation=True,
            response_validation_error_http_code=500,
            json_body_deserializer=load_json,
        )
        self.resolver.exception_handler(Exception)(self._answer_error)

    def get[F: Callable[..., Any]](self, path: str) -> Callable[[F], F]:
        return self._route(self.resolver.get(path), 200)

    def post[F: Callable[..., Any]](self, path: str, status_code: int) -> Callable[[F], F]:
        return self._route(self.resolver.post(path), status_code)

    def delete[F: Callable[..., Any]](self, path: str) -> Callable[[F], F]:
        return self._route(self.resolver.delete(path), 200)

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """An API Gateway proxy event -> its response. Never raises."""
        started = time.perf_counter()
        now = self._provide(current_instant)
        gateway = event.get("requestContext") or {}
        request_id = f"req_{gateway.get('requestId') or uuid4()}"
        self.resolver.context |= {"now": now, "request_id": request_id}
        tenant_id = None
        try:
            caller = self._authenticator.authenticate(
                _headers(event), self._provide(default_table), now
            )
            tenant_id = caller.tenant_id
            self._authorize(caller)
            self.resolver.context["caller"] = caller
            readable = event if self.raw_body else _with_json_body(event)
            answer: dict[str, Any] = self.resolver.resolve(readable, context)
        except Exception as error:  # noqa: BLE001  whatever it is, nothing of it may leave
            answer = self._gateway_response(self._answer_error(error))
        finally:
            self.resolver.context.clear()
        answer.setdefault("multiValueHeaders", {})["X-Request-Id"] = [request_id]
        logger.info(
            "request",
            request_id=request_id,
            tenant=tenant_id,
            route=f"{event.get('httpMethod')} {event.get('resource')}",
            status=answer["statusCode"],
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )
        return answer

    def _authorize(self, caller: Caller) -> None:
        if not satisfies(caller.scopes, self.scope):
            raise InsufficientScope(f"This needs a key with the scope {self.scope}.")
        if self.platform_only and caller.tenant_id != self._provide(platform_tenant_id):
            raise InsufficientScope(f"This needs {self.scope} of the platform tenant.")

    def _provide[T](self, dependency: Callable[[], T]) -> T:
        override: Callable[[], T] = self.resolver.dependency_overrides.get(dependency, dependency)
        return override()

    def _route[F: Callable[..., Any]](
        self, register: Callable[[Any], Any], status_code: int
    ) -> Callable[[F], F]:
        """Registers a function whose answers are written here and not by the resolver, which
        would make text of exact numbers. A model is valid by then: it was when it was built."""

        def decorate(function: F) -> F:
            @wraps(function)
            def answer(**arguments: Any) -> Response[str]:
                result = function(**arguments)
                match result:
                    case Text():
                        return Response(status_code, result.content_type, result.body)
                    case Answer():
                        return self._answer(result.data, result.status_code)
                    case _:
                        return self._answer(result, status_code)

            resolved = signature(function, eval_str=True)
            answer.__signature__ = resolved.replace(return_annotation=Signature.empty)  # type: ignore[attr-defined]
            register(answer)
            return function

        return decorate

    def _answer(self, data: BaseModel, status_code: int) -> Response[str]:
        return Response(status_code, content_type=_JSON, body=dump_json(self.enveloped(data)))

    def enveloped(self, data: BaseModel) -> Mapping[str, Any]:
        """The body of an answer."""
        return {"data": data.model_dump()} | self._signature()

    def enveloped_error(self, error: Mapping[str, Any], _status_code: int) -> Mapping[str, Any]:
        """The body of a refusal; `error` is `{"code", "message", "details"}`."""
        return {"error": error} | self._signature()

    def _signature(self) -> dict[str, str]:
        context = self.resolver.context
        return {"request_id": context["request_id"], "timestamp": for_display(context["now"])}

    def _answer_error(self, error: Exception) -> Response[str]:
        headers: Mapping[str, str] = {}
        match error:
            case TallyError() if type(error) in STATUSES:
                status, body = STATUSES[type(error)], error_body(error)
                headers = HEADERS.get(type(error), {})
            case RequestValidationError():
                status, body = 400, validation_error_body(error)
            case NotFoundError():
                status, body = 404, error_body(NotFound("No such path."))
            case _:
                logger.error("request failed", exc_info=error)
                status, body = 500, internal_error_body()
        return Response(
            status_code=status,
            content_type=_JSON,
            headers=dict(headers),
            body=dump_json(self.enveloped_error(body, status)),
        )

    @staticmethod
    def _gateway_response(response: Response[str]) -> dict[str, Any]:
        """What the resolver makes of a response, for errors from before it was called."""
        headers = {name: [str(value)] for name, value in response.headers.items()}
        return {
            "statusCode": response.status_code,
            "multiValueHeaders": headers,
            "body": response.body,
            "isBase64Encoded": False,
        }


def request_body(request: Request) -> bytes:
    """The body's bytes, whether the gateway passed them on as text or as base64."""
    return _body_of(request.resolved_event.raw_event)


def _body_of(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body)
    return str(body).encode("utf-8", "surrogatepass")


def _with_json_body(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its body as JSON text, which is all that the resolver is to see of it: left
    to itself it takes forms for JSON, and fails on bytes that are not UTF-8."""
    if event.get("httpMethod") != "POST" or not event.get("body"):
        return event
    (content_type,) = _headers(event).get("content-type", [""])[-1:]
    if media_type(content_type) not in ("", "application/json"):
        raise UnsupportedMediaType("Send the body as application/json.")
    text = decode(_body_of(event))
    headers = {"Content-Type": "application/json"}
    return event | {"headers": headers, "body": text, "isBase64Encoded": False}


def _headers(event: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Lower-case name -> all values; the gateway gives them in one of two ways, or both."""
    many = event.get("multiValueHeaders") or {}
    one = {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers: dict[str, list[str]] = {}
    for name, values in (one | many).items():
        headers.setdefault(name.lower(), []).extend(values)
    return headers
