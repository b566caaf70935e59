"""Every key of the table. Nothing else writes `#`; docs/access-patterns.md lists who reads what."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from tally.domain.counting import (
    AccessTotals,
    BuyerTotals,
    DatasetTotals,
    PartnerTotals,
    ProviderTotals,
    SpendTotals,
    Totals,
    UsageTotals,
)
from tally.domain.instants import Instant
from tally.domain.periods import Period
from tally.domain.usage import Bucket, Day


class Key(NamedTuple):
    """Partition and sort key."""

    pk: str
    sk: str


DATASET_SK = "DATASET"
OBJECT_PREFIX = "OBJECT#"
API_KEY_PREFIX = "APIKEY#"
TENANT_DATASET_PREFIX = "DATASET#"
SEARCH_PREFIX = "SEARCH#"
ACCESS_PREFIX = "ACCESS#"
ACCESSED_PREFIX = "ACCESSED#"
DEBIT_PREFIX = "DEBIT#"
CREDIT_PREFIX = "CREDIT#"
PARTNER_SK = "PARTNER"
ORGANIZATION_PREFIX = "ORGANIZATION#"
USAGE_PREFIX = "USAGE#"
BUYER_PREFIX = "BUYER#"
PROVIDER_PREFIX = "PROVIDER#"
PAYOUT_PREFIX = "PAYOUT#"
LINES_PREFIX = "LINES#"
STATUS_PREFIX = "STATUS#"
RELEASE_SK = "RELEASE"
PARKED_PK = "PARKED"
PAYOUT_RUNS_PK = "PAYOUTRUNS"
RESERVES_PK = "RESERVES"
PERIODS_PK = "PERIODS"


def tenant(tenant_id: str) -> Key:
    """`TENANT#acme` / `TENANT`"""
    return Key(f"TENANT#{tenant_id}", "TENANT")


def tenant_dataset(tenant_id: str, dataset_id: str) -> Key:
    """`TENANT#acme` / `DATASET#dset_1`: that the tenant owns the dataset, for recounts"""
    return Key(f"TENANT#{tenant_id}", f"{TENANT_DATASET_PREFIX}{dataset_id}")


def api_key(prefix: str) -> Key:
    """`APIKEY#k3j5...` / `APIKEY`"""
    return Key(f"APIKEY#{prefix}", "APIKEY")


def tenant_api_key(tenant_id: str, created_at: Instant, api_key_id: str) -> Key:
    """`TENANT#acme` / `APIKEY#2026-04-05T09:30:00.000000000Z#key_k3j5...`: for lists by age"""
    return Key(f"TENANT#{tenant_id}", f"{API_KEY_PREFIX}{created_at}#{api_key_id}")


def api_key_totals(tenant_id: str) -> Key:
    """`TENANT#acme` / `TOTALS#APIKEYS`"""
    return Key(f"TENANT#{tenant_id}", "TOTALS#APIKEYS")


def dataset(dataset_id: str) -> Key:
    """`DATASET#dset_1` / `DATASET`"""
    return Key(f"DATASET#{dataset_id}", DATASET_SK)


def catalog_object(dataset_id: str, object_id: str) -> Key:
    """`DATASET#dset_1` / `OBJECT#obj_1`"""
    return Key(f"DATASET#{dataset_id}", f"{OBJECT_PREFIX}{object_id}")


def totals(of: Totals) -> Key:  # noqa: PLR0911  one line a kind
    """`TENANT#acme` / `TOTALS#PROVIDER`, `TOTALS#BUYER`, `TOTALS#SPEND#2026-04`,
    `ACCESSED#dset_1`; `DATASET#dset_1` / `DATASET#TOTALS#0`; `PARTNER#acme` / `PARTNER#TOTALS`,
    `USED#DAY#2026-04-05`, `USED#MONTH#2026-04`

    A dataset's totals sort right behind the dataset, so that one Query reads both; a partner's too.
    """
    match of:
        case ProviderTotals():
            return Key(f"TENANT#{of.tenant_id}", "TOTALS#PROVIDER")
        case BuyerTotals():
            return Key(f"TENANT#{of.tenant_id}", "TOTALS#BUYER")
        case SpendTotals():
            return Key(f"TENANT#{of.tenant_id}", f"TOTALS#SPEND#{of.period}")
        case AccessTotals():
            return Key(f"TENANT#{of.tenant_id}", f"{ACCESSED_PREFIX}{of.dataset_id}")
        case DatasetTotals():
            return Key(f"DATASET#{of.dataset_id}", f"{DATASET_SK}#TOTALS#{of.epoch}")
        case PartnerTotals():
            return Key(f"PARTNER#{of.partner_id}", f"{PARTNER_SK}#TOTALS")
        case UsageTotals():
            return used(of.partner_id, of.bucket, of.date)


def used(partner_id: str, bucket: Bucket, date: Day | Period) -> Key:
    """`PARTNER#acme` / `USED#DAY#2026-04-05`, `USED#MONTH#2026-04`"""
    return Key(f"PARTNER#{partner_id}", f"USED#{bucket}#{date}")


def partner(partner_id: str) -> Key:
    """`PARTNER#acme` / `PARTNER`: what was configured"""
    return Key(f"PARTNER#{partner_id}", PARTNER_SK)


def organization(partner_id: str, organization_id: str) -> Key:
    """`PARTNER#acme` / `ORGANIZATION#org_1`"""
    return Key(f"PARTNER#{partner_id}", f"{ORGANIZATION_PREFIX}{organization_id}")


def listed_organization(partner_id: str, organization_id: str) -> Key:
    """`ORGANIZATIONS#acme` / `LISTED#org_1`: what the list looks for, of those not deleted"""
    return Key(organizations_pk(partner_id), f"LISTED#{organization_id}")


def organizations_pk(partner_id: str) -> str:
    return f"ORGANIZATIONS#{partner_id}"


def usage(partner_id: str, day: Day, entry_id: str) -> Key:
    """`USAGES#acme` / `USAGE#2026-04-05#{digest of the first event}`"""
    return Key(usages_pk(partner_id), f"{USAGE_PREFIX}{day}#{entry_id}")


def usages_pk(partner_id: str) -> str:
    return f"USAGES#{partner_id}"


def accessed_by(tenant_id: str) -> str:
    """`ACCESSED#acme`: partition of the index of a buyer's datasets by last access"""
    return f"ACCESSED#{tenant_id}"


def event(source: str, event_id: str) -> Key:
    """`EVENT#{hash}` / `EVENT`: that an event was accepted, for ever"""
    return Key(f"EVENT#{event_digest(source, event_id)}", "EVENT")


def event_digest(source: str, event_id: str) -> str:
    """Names an event in the keys of what it wrote."""
    return sha256(f"{source}\0{event_id}".encode()).hexdigest()


def search(tenant_id: str, occurred_at: Instant, entry_id: str) -> Key:
    """`SEARCHES#acme` / `SEARCH#2026-04-05T09:30:00.000000000Z#{event digest}`"""
    return Key(searches_pk(tenant_id), f"{SEARCH_PREFIX}{occurred_at}#{entry_id}")


def searches_pk(tenant_id: str) -> str:
    return f"SEARCHES#{tenant_id}"


def access(tenant_id: str, accessed_at: Instant, entry_id: str) -> Key:
    """`ACCESSES#acme` / `ACCESS#2026-04-05T09:30:00.000000000Z#{event digest}`"""
    return Key(accesses_pk(tenant_id), f"{ACCESS_PREFIX}{accessed_at}#{entry_id}")


def accesses_pk(tenant_id: str) -> str:
    return f"ACCESSES#{tenant_id}"


def ledger_entry(tenant_id: str, period: Period, side: str, entry_id: str) -> Key:
    """`LEDGER#acme#2026-04` / `DEBIT#{event digest}`; providers' entries are `CREDIT#...`"""
    return Key(ledger_pk(tenant_id, period), f"{side.upper()}#{entry_id}")


def ledger_pk(tenant_id: str, period: Period) -> str:
    return f"LEDGER#{tenant_id}#{period}"


def period(period: Period) -> Key:
    """`PERIODS` / `2026-04`: that something was posted to the month"""
    return Key(PERIODS_PK, period)


def period_buyer(period: Period, tenant_id: str) -> Key:
    """`PERIOD#2026-04` / `BUYER#acme`: that the tenant has debits in the month"""
    return Key(period_pk(period), f"{BUYER_PREFIX}{tenant_id}")


def period_provider(period: Period, tenant_id: str, currency: str) -> Key:
    """`PERIOD#2026-04` / `PROVIDER#acme#USD`: that the tenant has credits in the month"""
    return Key(period_pk(period), f"{PROVIDER_PREFIX}{tenant_id}#{currency}")


def period_pk(period: Period) -> str:
    return f"PERIOD#{period}"


def payout(tenant_id: str, period: Period, currency: str) -> Key:
    """`TENANT#acme` / `PAYOUT#2026-03#USD`: a statement, in its provider's list"""
    return Key(f"TENANT#{tenant_id}", f"{PAYOUT_PREFIX}{period}#{currency}")


def payout_by_id(statement_id: str) -> Key:
    """`PAYOUT#pst_5e88...` / `PAYOUT`: whose statement, of which month and currency"""
    return Key(f"PAYOUT#{statement_id}", "PAYOUT")


def payout_lines(statement_id: str, chunk: int) -> Key:
    """`PAYOUT#pst_5e88...` / `LINES#000`"""
    return Key(f"PAYOUT#{statement_id}", f"{LINES_PREFIX}{chunk:03}")


def payout_status(statement_id: str, change: int) -> Key:
    """`PAYOUT#pst_5e88...` / `STATUS#0001`: who made it what, and when"""
    return Key(f"PAYOUT#{statement_id}", f"{STATUS_PREFIX}{change:04}")


def payout_release(statement_id: str) -> Key:
    """`PAYOUT#pst_5e88...` / `RELEASE`: that its reserve was released"""
    return Key(f"PAYOUT#{statement_id}", RELEASE_SK)


def payout_totals(tenant_id: str) -> Key:
    """`TENANT#acme` / `TOTALS#PAYOUTS`"""
    return Key(f"TENANT#{tenant_id}", "TOTALS#PAYOUTS")


def carry(tenant_id: str, currency: str) -> Key:
    """`TENANT#acme` / `CARRY#USD`: what the newest statement left for the next"""
    return Key(f"TENANT#{tenant_id}", f"CARRY#{currency}")


def reserve(due_at: Instant, statement_id: str) -> Key:
    """`RESERVES` / `2026-07-01T06:00:00.000000000Z#pst_5e88...`: held until then"""
    return Key(RESERVES_PK, f"{due_at}#{statement_id}")


def payout_run(period: Period, run_id: str) -> Key:
    """`PAYOUTRUNS` / `2026-03#run_k3j5...`"""
    return Key(PAYOUT_RUNS_PK, f"{period}#{run_id}")


def payout_outcome(run_id: str, tenant_id: str, currency: str) -> Key:
    """`PAYOUTRUN#run_k3j5...` / `acme#USD`: what became of one provider in a run"""
    return Key(f"PAYOUTRUN#{run_id}", f"{tenant_id}#{currency}")


def marker(record_id: str) -> Key:
    """`MARKER#{stream record id}` / `MARKER`: that a change was counted"""
    return Key(f"MARKER#{record_id}", "MARKER")


def parked(parked_at: Instant, record_id: str) -> Key:
    """`PARKED` / `2026-04-05T09:30:00.000000000Z#{stream record id}`"""
    return Key(PARKED_PK, f"{parked_at}#{record_id}")
