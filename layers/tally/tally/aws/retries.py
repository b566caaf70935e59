"""The one layer of retries, around every call of AWS: it ends before the invocation does.

Clients themselves try once. Whatever repeats calls, such as a transaction that rivals keep
cancelling, comes back to this layer with each of them, and so ends in time as well.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  its own

from tally.kernel.deadlines import time_left
from tally.kernel.errors import Unavailable

CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 3
_ANSWER_S = 1
NEEDED_S = CONNECT_TIMEOUT_S + READ_TIMEOUT_S + _ANSWER_S
"""What must be left of an invocation for one more attempt and the answer that follows it."""

_ATTEMPTS = 10
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0

PASSING_CODES = frozenset(
    {
        "TransactionConflictException",
        "TransactionCanceledException",  # one that a condition cancelled is no ClientError any more
        "TransactionInProgressException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "InternalServerError",
        "ServiceUnavailable",
    }
)


def retried[R](
    attempt: Callable[[], R], *, busy: str, sleep: Callable[[float], None] = time.sleep
) -> R:
    """What the attempt returns, repeated while it fails in a way that passes by itself.

    Unavailable, with the message `busy`, if that or the invocation's time comes to its end.
    """
    last: Exception | None = None
    for pause in pauses():
        if time_left() < NEEDED_S:
            break
        try:
            return attempt()
        except ClientError as error:
            if not _passes(error):
                raise
            last = error
        except (ConnectionError, HTTPClientError) as error:
            last = error
        sleep(pause)
    raise Unavailable(busy) from last


def pauses() -> Iterator[float]:
    """Seconds to wait after each failed attempt: full jitter, so that rivals part ways."""
    for attempt in range(_ATTEMPTS):
        yield random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt))  # noqa: S311  jitter is no secret


def _passes(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"]["Code"] in PASSING_CODES or status >= 500
