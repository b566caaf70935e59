"""What an event changes of a partner, an organization, or a partner's usage of a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tally.aws.draft import Draft, Postponed
from tally.aws.table import Table
from tally.aws.transactions import Action
from tally.kernel.counters import Totals
from tally.kernel.events import Door, Event, UnknownOrganization
from tally.kernel.keys import Key
from tally.partners.counters import OrganizationMonth, UsageTotals
from tally.partners.items import (
    key_of_usage,
    listed_organization_key,
    listing_attributes,
    lone_amounts,
    organization_attributes,
    organization_from,
    organization_key,
    partner_key,
    recorded_attributes,
    usage_attributes,
    usage_entry_from,
    usage_key,
)
from tally.partners.model.billing import Partner, PartnerConfigured
from tally.partners.model.organizations import (
    Organization,
    OrganizationEvent,
    OrganizationEventKind,
    new_organization,
)
from tally.partners.model.usage import Usage, UsageEntry, UsageRecorded
from tally.partners.terms import partner_attributes, partner_from


def reads_partner(fact: PartnerConfigured) -> Iterable[Key]:
    return [partner_key(fact.partner_id)]


def reads_organization(fact: OrganizationEvent | UsageRecorded) -> Iterable[Key]:
    return [organization_key(fact.partner_id, fact.organization_id)]


def decide_partner(event: Event[PartnerConfigured], draft: Draft, _door: Door) -> Mapping[str, Any]:
    fact = event.fact
    key = partner_key(fact.partner_id)
    item = draft.read(key)
    known = partner_from(item) if item else Partner(fact.partner_id, {})
    changed = known.apply(fact)
    if changed != known:
        draft.revise(key, partner_attributes(changed))
    return {}


def decide_organization(
    event: Event[OrganizationEvent], draft: Draft, _door: Door
) -> Mapping[str, Any]:
    fact = event.fact
    known = _organization(fact, draft)
    if known is None and fact.kind is OrganizationEventKind.CREATED:
        _store(new_organization(fact), draft)
    elif known is None or not known.exists_for(fact):
        raise _unknown_organization(fact)
    else:
        changed = known.apply(fact)
        if changed != known:
            _store(changed, draft)
    return {}


def decide_usage(event: Event[UsageRecorded], draft: Draft, door: Door) -> Mapping[str, Any]:
    """Usage goes into one entry for all that a transaction accepts of a partner's day."""
    fact = event.fact
    organization = _organization(fact, draft)
    if organization is None or not organization.existed_at(fact.version):
        raise _unknown_organization(fact)
    of_day = usage_key(fact.partner_id, fact.day, "")
    begun = draft.created_in(of_day.pk, of_day.sk)
    before = draft.read(begun) if begun else None
    entry = (
        usage_entry_from(before)
        if before
        else UsageEntry(fact.partner_id, fact.day, event.digest, Usage())
    )
    if entry.is_full_for(fact.organization_id):
        raise Postponed  # its entry is the next transaction's
    entry = entry.with_more(fact, by_organization=door.in_series)
    draft.create(key_of_usage(entry), usage_attributes(entry))
    return recorded_attributes(fact)


def count_usage(event: Event[UsageRecorded], table: Table, door: Door) -> Sequence[Action]:
    """Count an event that came alone, instead of entering it for the stream to count."""
    fact = event.fact
    counters: list[Totals] = [UsageTotals(fact.partner_id, fact.day)]
    if door.in_series:
        counters.append(OrganizationMonth.of(fact))
    return [table.add(counter.key, lone_amounts(fact.usage)) for counter in counters]


def _store(organization: Organization, draft: Draft) -> None:
    """The organization, and its place in the list of those that are not deleted."""
    ids = organization.partner_id, organization.organization_id
    draft.revise(organization_key(*ids), organization_attributes(organization))
    listed = listed_organization_key(*ids)
    if organization.alive:
        draft.put(listed, listing_attributes(organization.profile))
    else:
        draft.delete(listed)


def _organization(fact: OrganizationEvent | UsageRecorded, draft: Draft) -> Organization | None:
    item = draft.read(organization_key(fact.partner_id, fact.organization_id))
    return organization_from(item) if item else None


def _unknown_organization(fact: OrganizationEvent | UsageRecorded) -> UnknownOrganization:
    return UnknownOrganization(
        f"data.organization_id: partner {fact.partner_id} has no organization "
        f"{fact.organization_id}.",
        field="data.organization_id",
    )
