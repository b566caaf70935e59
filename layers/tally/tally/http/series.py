"""What the series of providers and buyers share: the range that is asked for, and its periods."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated

from tally.access.items import tenant_key
from tally.aws.table import Table
from tally.http.arguments import Choice, Query
from tally.http.days import Names, check_range, first_day, last_day, today
from tally.kernel.instants import Instant
from tally.kernel.series import Granularity, Span

_NAMES = Names("from", "to")
_DEFAULT_DAYS = timedelta(days=30)


def currency_code(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text, re.ASCII):
        raise ValueError("must be three capital letters, such as USD")
    return text


From = Annotated[date | None, Query(first_day)]
To = Annotated[date | None, Query(last_day)]
By = Annotated[Granularity, Query(Choice(Granularity))]
Currency = Annotated[str | None, Query(currency_code)]


def span_of(first: date | None, last: date | None, by: Granularity, now: Instant) -> Span:
    """What is not given is the last 30 days and today. InvalidRequest for a range that is not
    answered."""
    span = Span(first or today(now) - _DEFAULT_DAYS, last or today(now), by)
    check_range(*span, _NAMES)
    return span


def billing_currency(table: Table, tenant_id: str) -> str:
    item = table.get(tenant_key(tenant_id))
    if item is None:
        raise RuntimeError(f"The caller's tenant {tenant_id} is not stored.")
    currency: str = item["billing_currency"]
    return currency
