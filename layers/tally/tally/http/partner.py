"""What the routes of the partner API share: camelCase, no envelope, its own errors, days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, ClassVar

from tally.http.arguments import Query, WholeNumber
from tally.http.days import Names, check_range, day
from tally.http.endpoint import Endpoint
from tally.http.envelopes import partner_error
from tally.http.limits import partner_quota_headers
from tally.kernel.series import Granularity
from tally.limits.leasing import Quota
from tally.partners.usage import DayRange

_NAMES = Names("startDate", "endDate")


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


Day = Annotated[date | None, Query(day)]
PageNumber = Annotated[int, Query(WholeNumber(1, 1_000_000_000))]
PageSize = Annotated[int, Query(WholeNumber(1, 100))]


def day_range(start: date, end: date, granularity: Granularity = Granularity.DAY) -> DayRange:
    """Both days are included. InvalidRequest for a range that is not answered."""
    check_range(start, end, granularity, _NAMES)
    return DayRange(start, end)
