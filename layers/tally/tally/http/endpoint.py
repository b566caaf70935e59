"""The entry point of a function: credential, scope, validation, envelope, errors, one log line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, get_type_hints

from tally.access.authentication import Authenticator, authenticator_for
from tally.access.model.callers import Caller
from tally.access.model.scopes import Scope
from tally.aws.table import default_table
from tally.http.answers import Answer, Text, gateway_response, written
from tally.http.arguments import Argument, Query, arguments_of, read_arguments
from tally.http.credentials import credential_in
from tally.http.dependencies import platform_tenant_id
from tally.http.envelopes import marketplace_error, signature
from tally.http.errors import OF_EVERY_ROUTE, OF_JSON_BODIES
from tally.http.failures import answer_to
from tally.http.frame import Answered, framed
from tally.http.headers import allowed_origins
from tally.http.limits import (
    check_admitted,
    default_requests_per_minute,
    limit_of,
    quota_headers,
)
from tally.http.negotiation import prefers_csv
from tally.http.requests import MAX_BODY_BYTES, Request, check_body, headers_of
from tally.kernel.clock import current_instant
from tally.kernel.errors import InsufficientScope, TallyError
from tally.kernel.instants import Instant
from tally.limits.leasing import Limiter, Quota
from tally.logs import kind_of, logger


@dataclass(frozen=True, slots=True)
class Route:
    """A route as its function declares it. `path` is written as in the template."""

    method: str
    path: str
    status_code: int
    function: Callable[..., Any]
    arguments: Sequence[Argument]

    @property
    def answer_type(self) -> Any:
        """What the function returns: a dataclass, an Answer with one, Text, or one of several."""
        return get_type_hints(self.function)["return"]


class Endpoint:
    """One route with its scope; `handler` is what Lambda calls.

    A route returns a dataclass, an Answer with one, or Text. Data is wrapped in
    `{"data", "request_id", "timestamp"}`, and errors in `{"error", "request_id", "timestamp"}`.

    `scope`: None if any credential will do. `platform_only`: the caller must belong to the
    platform tenant. `raw_body`: the route reads the body itself; otherwise it must be JSON and
    short. `errors`: what the route may answer with, beside what every route may and what its body
    may cause. `rows`: the field of the answer with the rows of a list, which are also sent as CSV
    to who prefers it. `varies_by`: headers of the request, beside the credential, that all of its
    answers depend on.
    """

    key_headers: ClassVar[Sequence[str]] = ("x-api-key",)
    route: Route

    def __init__(
        self,
        scope: Scope | None,
        *,
        platform_only: bool = False,
        raw_body: bool = False,
        errors: Iterable[type[TallyError]] = (),
        rows: str | None = None,
        varies_by: Sequence[str] = (),
        authenticator: Authenticator | None = None,
    ) -> None:
        self.scope = scope
        self.platform_only = platform_only
        self.raw_body = raw_body
        self.errors = {*OF_EVERY_ROUTE, *errors}
        self.rows = rows
        self.varies_by = varies_by
        self.authenticator = authenticator or authenticator_for(scope)
        self.limiter = Limiter()
        self.dependency_overrides: dict[Callable[..., Any], Callable[[], Any]] = {}

    # ---------------------------------------------------------------- declaring a route

    def get[F: Callable[..., Any]](self, path: str) -> Callable[[F], F]:
        return self._route("GET", path, 200)

    def post[F: Callable[..., Any]](self, path: str, status_code: int) -> Callable[[F], F]:
        if not self.raw_body:
            self.errors |= {*OF_JSON_BODIES}
        return self._route("POST", path, status_code)

    def patch[F: Callable[..., Any]](self, path: str) -> Callable[[F], F]:
        self.errors |= {*OF_JSON_BODIES}
        return self._route("PATCH", path, 200)

    def delete[F: Callable[..., Any]](self, path: str, status_code: int = 200) -> Callable[[F], F]:
        return self._route("DELETE", path, status_code)

    def _route[F: Callable[..., Any]](
        self, method: str, path: str, status_code: int
    ) -> Callable[[F], F]:
        def register(function: F) -> F:
            arguments = arguments_of(function, self.wire_name)
            self.route = Route(method, path, status_code, function, arguments)
            return function

        return register

    @staticmethod
    def wire_name(name: str) -> str:
        """A name in Python -> what clients call it; `from_`, for one, is `from`."""
        return name.removesuffix("_")

    # --------------------------------------------------------------- answering a request

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """An API Gateway proxy event -> its response. Never raises."""
        return framed(
            event,
            context,
            partial(self._answer, event),
            origins=self._provide(allowed_origins),
        )

    def _answer(self, event: Mapping[str, Any], request_id: str) -> Answered:
        now, tenant_id, quota = self._provide(current_instant), None, None
        signed, varies_by = signature(request_id, now), self.varies_by
        try:
            caller = self._authenticate(event, now)
            tenant_id = caller.tenant_id
            quota = self._count(tenant_id, now)
            check_admitted(quota)
            self._authorize(caller)
            check_body(event, most_bytes=None if self.raw_body else MAX_BODY_BYTES)
            response = self._response(Request(event, caller, now, self._provide), signed)
            if self.rows:  # errors are JSON for all
                varies_by = [*varies_by, "Accept"]
        except Exception as error:  # noqa: BLE001  whatever it is, nothing of it may leave
            response = self._error_response(error, signed)
        return Answered(response, tenant_id, self.quota_headers(quota), varies_by)

    def _authenticate(self, event: Mapping[str, Any], now: Instant) -> Caller:
        credential = credential_in(headers_of(event), self.key_headers)
        return self.authenticator.authenticate(credential, self._provide(default_table), now)

    def _count(self, tenant_id: str, now: Instant) -> Quota | None:
        """What is left of the tenant's limit after this request; None if it has none."""
        limit = partial(self._limit_of, tenant_id)
        return self.limiter.count(self._provide(default_table), tenant_id, now, limit)

    def _limit_of(self, tenant_id: str) -> int:
        is_platform = tenant_id == self._provide(platform_tenant_id)
        default = 0 if is_platform else self._provide(default_requests_per_minute)
        return limit_of(self._provide(default_table), tenant_id, default)

    def _authorize(self, caller: Caller) -> None:
        if self.scope and not caller.may(self.scope):
            raise InsufficientScope(f"This request needs the scope {self.scope}.")
        if self.platform_only and caller.tenant_id != self._provide(platform_tenant_id):
            raise InsufficientScope(
                f"This request needs the scope {self.scope} of the platform tenant."
            )

    def _provide[T](self, dependency: Callable[[], T]) -> T:
        """What the dependency returns, or what takes its place in a test."""
        override: Callable[[], T] = self.dependency_overrides.get(dependency, dependency)
        return override()

    # ------------------------------------------------------------------ writing answers

    def _response(self, request: Request, signed: Mapping[str, str]) -> dict[str, Any]:
        arguments = read_arguments(self.route.arguments, request)
        answer, status_code = self.route.function(**arguments), self.route.status_code
        if isinstance(answer, Text):
            return gateway_response(status_code, answer.body, answer.headers, answer.content_type)
        if isinstance(answer, Answer):
            answer, status_code = answer.data, answer.status_code
        if self.rows and request.accept and prefers_csv(request.accept):
            return self._csv_response(answer, request, self.rows)
        body = written(self.enveloped(answer, signed), self.wire_name)
        return gateway_response(status_code, body)

    def _csv_response(self, answer: Any, request: Request, rows: str) -> dict[str, Any]:
        from tally.http.spreadsheets import (  # noqa: PLC0415  few ask for it
            CSV_IN_UTF8,
            link_to_next,
            rows_as_csv,
        )

        link = link_to_next(answer, {name: request.in_query(name) for name in self._in_query()})
        text = rows_as_csv(answer, rows, self.wire_name)
        return gateway_response(self.route.status_code, text, link, CSV_IN_UTF8)

    def _in_query(self) -> Sequence[str]:
        """The parameters of the query that the route knows."""
        arguments = self.route.arguments
        return [each.wire_name for each in arguments if isinstance(each.source, Query)]

    def _error_response(self, error: Exception, signed: Mapping[str, str]) -> dict[str, Any]:
        answer = answer_to(error)
        if answer.status_code == 500:
            logger.error("request failed", exc_info=error)
        elif answer.status_code == 503:
            cause = error.__cause__
            logger.warning("request unavailable", cause=kind_of(cause) if cause else None)
        body = self.enveloped_error(answer.body, answer.status_code, signed)
        return gateway_response(answer.status_code, written(body), answer.headers)

    def enveloped(self, data: Any, signed: Mapping[str, str]) -> Any:
        """The body of a success."""
        return {"data": data, **signed}

    def enveloped_error(
        self, error: Mapping[str, Any], _status_code: int, signed: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """The body of an error; `error` is `{"code", "message", "details"}`."""
        return marketplace_error(error, signed)

    def quota_headers(self, quota: Quota | None) -> Mapping[str, str]:
        """What any answer to a tenant with a limit says of it."""
        return quota_headers(quota)
