"""The counted records and the counters of partners, as counting and recounts find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.aws.table import Table
from tally.kernel.counted import CountedRecord, CounterKind
from tally.partners.counters import (
    PartnerTotals,
    UsageTotals,
    organization_contribution,
    usage_contribution,
)
from tally.partners.items import (
    LONE_FIELDS,
    ORGANIZATION_PREFIX,
    USAGE_PREFIX,
    lone_usage_from,
    organization_from,
    partner_key,
    usage_entry_from,
    usages_pk,
)
from tally.partners.model.organizations import Organization
from tally.partners.model.usage import Bucket, LoneUsage, UsageEntry


def _organizations(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(partner_key(tenant_id).pk, ORGANIZATION_PREFIX, consistent=True)


def _usage(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(usages_pk(tenant_id), USAGE_PREFIX, consistent=True)


def _lone_usage(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    """In the counters of days. What was added since is told by the number of events."""
    first = UsageTotals(tenant_id, Bucket.DAY, "").key
    for item in table.query(first.pk, first.sk, consistent=True):
        if LONE_FIELDS["events"] in item:
            yield {**item, "revision": item[LONE_FIELDS["events"]]}


def _days_and_months(table: Table, tenant_id: str) -> Iterator[UsageTotals]:
    for bucket in Bucket:
        first = UsageTotals(tenant_id, bucket, "").key
        for item in table.query(first.pk, first.sk, consistent=True):
            yield UsageTotals(tenant_id, bucket, item["SK"].removeprefix(first.sk))


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
        UsageEntry, USAGE_PREFIX, usage_entry_from, usage_contribution, (UsageTotals,), _usage
    ),
)
# Counted when they are accepted, not from the stream.
COUNTED_AT_ONCE = (
    CountedRecord(
        LoneUsage,
        UsageTotals("", Bucket.DAY, "").key.sk,
        lone_usage_from,
        usage_contribution,
        (UsageTotals,),
        _lone_usage,
        streamed=False,
    ),
)
COUNTERS = (
    CounterKind(PartnerTotals, lambda _, tenant_id: [PartnerTotals(tenant_id)]),
    CounterKind(UsageTotals, _days_and_months),
)
