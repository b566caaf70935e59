"""What the routes of the partner API share: camelCase, no envelope, its own errors, days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, ClassVar

from tally.http.arguments import Query
from tally.http.endpoint import Endpoint
from tally.http.envelopes import partner_error
from tally.http.limits import partner_quota_headers
from tally.kernel.errors import InvalidRequest
from tally.kernel.instants import Instant, TooEarly, parse_instant
from tally.limits.leasing import Quota
from tally.partners.usage import DayRange

MAX_DAYS = 1096  # three years, one of them a leap year

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_OFFSET = re.compile(r"[Zz]|[+-]\d{2}:\d{2}", re.ASCII)


class PartnerEndpoint(Endpoint):
    """Answers have no envelope, and all names are in camelCase. Errors are
    `{"code", "message", "details"}`, where `details` has a message for each field that is wrong."""

    key_headers: ClassVar = ("x-api-key", "x-partner-api-key")

    @staticmethod
    def wire_name(name: str) -> str:
        """`page_size` -> `pageSize`"""
        first, *others = name.split("_")
        return first + "".join(map(str.capitalize, others))

    def enveloped(self, data: Any, _signed: Mapping[str, str]) -> Any:
        return data

    def enveloped_error(
        self, error: Mapping[str, Any], status_code: int, _signed: Mapping[str, str]
    ) -> Mapping[str, Any]:
        return partner_error(error, status_code)

    def quota_headers(self, quota: Quota | None) -> Mapping[str, str]:
        return partner_quota_headers(quota)


def first_second(day: date) -> datetime:
    """`2026-04-01T00:00:00Z` on the wire."""
    return datetime.combine(day, time.min, UTC)


def last_second(day: date) -> datetime:
    """`2026-04-30T23:59:59Z` on the wire."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def day(text: str) -> date:
    """A date, or the UTC day of a date-time. Without an offset, a date-time is in UTC."""
    # In a query, an unescaped + means a space.
    moment = text.replace(" ", "+")
    if _DAY.fullmatch(moment):
        moment += "T00:00:00Z"
    elif not _OFFSET.search(moment[19:]):
        moment += "Z"
    try:
        return date.fromisoformat(parse_instant(moment)[:10])
    except TooEarly:
        raise
    except ValueError as error:
        raise ValueError(
            "must be a date like 2026-04-05 or a date-time like 2026-04-05T09:30:00Z"
        ) from error


Day = Annotated[date | None, Query(day)]


def today(now: Instant) -> date:
    """The UTC day."""
    return date.fromisoformat(now[:10])


def day_range(start: date, end: date) -> DayRange:
    """Both days are included. InvalidRequest if the range is reversed or longer than MAX_DAYS."""
    if start > end:
        raise InvalidRequest(
            f"startDate ({start}) must not be after endDate ({end}).", field="startDate"
        )
    if (end - start).days >= MAX_DAYS:
        raise InvalidRequest(
            f"The range may span at most {MAX_DAYS:,} days; {start} to {end} is longer.",
            field="startDate",
        )
    return DayRange(start, end)
