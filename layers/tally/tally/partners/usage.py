"""How much a partner and its organizations used in days and months."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from tally.aws.table import Table
from tally.kernel.periods import Period
from tally.kernel.series import Granularity, periods
from tally.partners.counters import OrganizationMonth, UsageTotals
from tally.partners.items import organization_from, organization_key
from tally.partners.model.usage import Usage, usage_sum


class DayRange(NamedTuple):
    """Both days included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class OrganizationUsage:
    """What an organization used in a month; `name` is its last one if it is deleted."""

    organization_id: str
    name: str
    deleted: bool
    usage: Usage


@dataclass(frozen=True, slots=True)
class OrganizationUsagePage:
    """`total` counts all organizations with usage in the month."""

    organizations: Sequence[OrganizationUsage]
    total: int


def usage_in(table: Table, partner_id: str, *ranges: DayRange) -> Sequence[Usage]:
    """The usage in each of the ranges, each day read once: one Query for ranges that touch."""
    read = [each for part in joined(ranges) for each in _days(table, partner_id, part)]
    return [
        usage_sum(usage for day, usage in read if first <= day <= last) for first, last in ranges
    ]


def usage_series(
    table: Table, partner_id: str, range_: DayRange, granularity: Granularity
) -> Mapping[str, Usage]:
    """Period -> the usage on its days that are in the range, for every period, oldest first."""
    series = dict.fromkeys(periods(*range_, granularity), Usage())
    for day, usage in _days(table, partner_id, range_):
        period = granularity.period_of(day)
        series[period] = usage_sum([series[period], usage])
    return series


def organizations_usage(
    table: Table, partner_id: str, month: Period, *, page: int, page_size: int
) -> OrganizationUsagePage:
    """A page of the organizations that used something, most identifications first; pages count
    from 1."""
    first = OrganizationMonth(partner_id, month, "").key
    used = [
        (item["SK"].removeprefix(first.sk), usage)
        for item in table.query(first.pk, first.sk)
        if (usage := _usage(item)).events
    ]
    used.sort(key=lambda each: (-each[1].identifications, -each[1].quantity, each[0]))
    start = (page - 1) * page_size
    shown = used[start : start + page_size]
    found = table.get_many([organization_key(partner_id, of) for of, _ in shown])
    rows = []
    for organization_id, usage in shown:
        organization = organization_from(found[organization_key(partner_id, organization_id)])
        deleted = not organization.alive
        rows.append(OrganizationUsage(organization_id, organization.last_name, deleted, usage))
    return OrganizationUsagePage(rows, len(used))


def joined(ranges: Iterable[DayRange]) -> Sequence[DayRange]:
    """The same days without overlap; ranges that touch become one."""
    whole: list[DayRange] = []
    for each in sorted(ranges):
        if whole and each.first - whole[-1].last <= timedelta(days=1):
            whole[-1] = DayRange(whole[-1].first, max(whole[-1].last, each.last))
        else:
            whole.append(each)
    return whole


def _days(table: Table, partner_id: str, range_: DayRange) -> Iterator[tuple[date, Usage]]:
    """The days that have any usage, in one Query."""
    first, last = (UsageTotals(partner_id, str(day)).key for day in range_)
    for item in table.query(first.pk, between=(first.sk, last.sk)):
        yield date.fromisoformat(item["SK"][-10:]), _usage(item)


def _usage(item: Mapping[str, Any]) -> Usage:
    """A counter has no field for what was never used."""
    return Usage(*(item.get(field, 0) for field in Usage._fields))
