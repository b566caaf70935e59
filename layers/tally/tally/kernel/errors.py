"""What can go wrong in the domain's own words. Statuses are the http package's business."""

from __future__ import annotations


class TallyError(Exception):
    """An expected refusal with a stable `code`; `field` names the offending input, if one does."""

    code = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidRequest(TallyError):
    code = "invalid_request"


class AmbiguousCredentials(TallyError):
    code = "ambiguous_credentials"


class InvalidCursor(TallyError):
    code = "invalid_cursor"


class Unauthorized(TallyError):
    """Whatever is wrong with a credential, the caller is told the same."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("A valid API key is required.")


class InsufficientScope(TallyError):
    code = "insufficient_scope"


class NotFound(TallyError):
    code = "not_found"


class MethodNotAllowed(TallyError):
    code = "method_not_allowed"


class AlreadyExists(TallyError):
    code = "already_exists"


class PeriodOpen(TallyError):
    code = "period_open"


class InvalidTransition(TallyError):
    """The thing cannot go from the status that it has to the one that is wanted."""

    code = "invalid_transition"


class PayloadTooLarge(TallyError):
    code = "payload_too_large"


class UnsupportedMediaType(TallyError):
    code = "unsupported_media_type"


class Unavailable(TallyError):
    """The database refused for now (throttling, contention); the same request may be sent again."""

    code = "unavailable"
