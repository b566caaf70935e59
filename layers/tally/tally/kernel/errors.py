"""What can go wrong in the domain's own words. Statuses are the http package's business."""

from __future__ import annotations

from tally.kernel.masking import masked


class TallyError(Exception):
    """An expected refusal with a stable `code`; `field` names the offending input, if one does.

    The message may name ids that the caller sent, but repeats no credential.
    """

    code = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        self.message = masked(message)
        self.field = field and masked(field)
        super().__init__(self.message)


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
        super().__init__("A valid API key, session or access token is required.")


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


class KeyNotActive(TallyError):
    """The API key is revoked or expired: nothing can be made of it."""

    code = "key_not_active"


class InvalidTransition(TallyError):
    """The thing cannot go from the status that it has to the one that is wanted."""

    code = "invalid_transition"


class PayloadTooLarge(TallyError):
    code = "payload_too_large"


class UnsupportedMediaType(TallyError):
    code = "unsupported_media_type"


class RateLimited(TallyError):
    """The tenant has used up its requests of this minute."""

    code = "rate_limited"


class Unavailable(TallyError):
    """A service that is needed refused for now (throttling, contention, an outage); the same
    request may be sent again."""

    code = "unavailable"
