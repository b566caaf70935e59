"""What the routes of the partner API share: camelCase, no envelope, its own errors, days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

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
    """Answers are models without an envelope. Errors are `{"code", "message", "details"}`, where
    `details` has a message for each field that is wrong."""

    key_headers: ClassVar = ("x-api-key", "x-partner-api-key")

    def enveloped(self, data: BaseModel) -> Mapping[str, Any]:
        return data.model_dump(by_alias=True)

    def enveloped_error(self, error: Mapping[str, Any], status_code: int) -> Mapping[str, Any]:
        return partner_error(error, status_code)

    def quota_headers(self, quota: Quota | None) -> Mapping[str, str]:
        return partner_quota_headers(quota)


Day = Annotated[date, PlainSerializer(date.isoformat)]
"""`2026-04-05` on the wire."""

_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")

FirstSecond = Annotated[
    date, PlainSerializer(lambda day: f"{day}T00:00:00Z", return_type=str), _DATE_TIME
]
"""The first second of a day: `2026-04-01T00:00:00Z` on the wire."""

LastSecond = Annotated[
    date, PlainSerializer(lambda day: f"{day}T23:59:59Z", return_type=str), _DATE_TIME
]
"""The last second of a day: `2026-04-30T23:59:59Z` on the wire."""


class PartnerModel(BaseModel):
    """Fields are in camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def _day(text: object) -> date:
    """A date, or the UTC day of a date-time. Without an offset, a date-time is in UTC."""
    form = "must be a date like 2026-04-05 or a date-time like 2026-04-05T09:30:00Z"
    if not isinstance(text, str):
        raise ValueError(form)  # noqa: TRY004  pydantic makes it a field's error
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
        raise ValueError(form) from error


_DayOrMoment = BeforeValidator(_day, json_schema_input_type=date | datetime)

StartDate = Annotated[date | None, _DayOrMoment, Query(alias="startDate")]
EndDate = Annotated[date | None, _DayOrMoment, Query(alias="endDate")]


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
