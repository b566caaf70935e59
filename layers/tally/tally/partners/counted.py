"""The counted records and the counters of partners, as counting and recounts find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.aws.table import Table
from tally.kernel.counted import CountedRecord, CounterKind
from tally.kernel.keys import Key
from tally.partners.counters import (
    MONTH_PREFIX,
    OrganizationMonth,
    PartnerTotals,
    UsageTotals,
    lone_contribution,
    lone_organization_contribution,
    organization_contribution,
    usage_contribution,
)
from tally.partners.items import (
    LONE_FIELDS,
    ORGANIZATION_PREFIX,
    USAGE_PREFIX,
    lone_organization_usage_from,
    lone_usage_from,
    organization_from,
    partner_key,
    usage_entry_from,
    usages_pk,
)
from tally.partners.model.organizations import Organization
from tally.partners.model.usage import LoneOrganizationUsage, LoneUsage, UsageEntry


def _organizations(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(partner_key(tenant_id).pk, ORGANIZATION_PREFIX, consistent=True)


def _usage(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(usages_pk(tenant_id), USAGE_PREFIX, consistent=True)


def _days(table: Table, tenant_id: str) -> Iterator[UsageTotals]:
    first = _first_day(tenant_id)
    for item in table.query(first.pk, first.sk, consistent=True):
        yield UsageTotals(tenant_id, item["SK"].removeprefix(first.sk))


def _organizations_months(table: Table, tenant_id: str) -> Iterator[OrganizationMonth]:
    first = _first_month(tenant_id)
    for item in table.query(first.pk, first.sk, consistent=True):
        yield OrganizationMonth.at(item["PK"], item["SK"])


def _lone_usage(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return _with_lone(table, _first_day(tenant_id))


def _lone_organization_usage(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return _with_lone(table, _first_month(tenant_id))


def _with_lone(table: Table, first: Key) -> Iterator[Mapping[str, Any]]:
    """Counters that have usage without entries. What was added since is told by the number of
    events."""
    for item in table.query(first.pk, first.sk, consistent=True):
        if LONE_FIELDS["events"] in item:
            yield {**item, "revision": item[LONE_FIELDS["events"]]}


def _first_day(partner_id: str) -> Key:
    return UsageTotals(partner_id, "").key


def _first_month(partner_id: str) -> Key:
    return Key(OrganizationMonth(partner_id, "", "").key.pk, MONTH_PREFIX)


COUNTED = (
    CountedRecord(
        Organization,
        ORGANIZATION_PREFIX,
        organization_from,
        organization_contribution,
        (PartnerTotals,),
        _organizations,
        changes=True,
    ),
    CountedRecord(
        UsageEntry,
        USAGE_PREFIX,
        usage_entry_from,
        usage_contribution,
        (UsageTotals, OrganizationMonth),
        _usage,
    ),
)
# Counted when they are accepted, not from the stream.
COUNTED_AT_ONCE = (
    CountedRecord(
        LoneUsage,
        UsageTotals("", "").key.sk,
        lone_usage_from,
        lone_contribution,
        (UsageTotals,),
        _lone_usage,
        streamed=False,
    ),
    CountedRecord(
        LoneOrganizationUsage,
        MONTH_PREFIX,
        lone_organization_usage_from,
        lone_organization_contribution,
        (OrganizationMonth,),
        _lone_organization_usage,
        streamed=False,
    ),
)
COUNTERS = (
    CounterKind(PartnerTotals, lambda _, tenant_id: [PartnerTotals(tenant_id)]),
    CounterKind(UsageTotals, _days),
    CounterKind(OrganizationMonth, _organizations_months),
)
