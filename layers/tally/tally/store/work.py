"""What a transaction is about to write, on condition that what was read has not changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tally.domain.billing import Partner
from tally.domain.catalog import CatalogObject, Dataset
from tally.domain.charges import Charge, EntrySide, LedgerEntry
from tally.domain.organizations import Organization
from tally.domain.periods import Period
from tally.domain.usage import Day, Usage, UsageEntry, UsageRecorded, usage_sum
from tally.store import keys
from tally.store.catalog import CatalogRecord, attributes_of, catalog_record_from, key_of_record
from tally.store.keys import Key
from tally.store.ledger import charge_attributes, charge_from, entry_attributes, entry_key
from tally.store.partners import (
    listing_attributes,
    organization_attributes,
    organization_from,
    partner_attributes,
    partner_from,
)
from tally.store.table import Action, Table
from tally.store.usage import usage_attributes, usage_key

type Revised = CatalogRecord | Organization | Partner
"""Records that change: each write is on condition of the revision that was read."""


@dataclass(slots=True)
class Work:
    """Items read at one moment, and what is to become of them.

    `registers` are items that only say that something is there; they may be written ahead.
    `new_charges` are those of the events to be marked, by their marks.
    """

    items: Mapping[Key, Mapping[str, Any]]
    registers: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    new_charges: dict[Key, Charge] = field(default_factory=dict)
    _changed: dict[Key, Revised] = field(default_factory=dict)
    _charges: dict[Key, Charge] = field(default_factory=dict)
    _new: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    _usage: dict[tuple[str, Day], UsageEntry] = field(default_factory=dict)
    _imports: dict[Key, Mapping[str, Any]] = field(default_factory=dict)

    def dataset(self, dataset_id: str) -> Dataset | None:
        record = self._get(keys.dataset(dataset_id))
        return record if isinstance(record, Dataset) else None

    def catalog_object(self, dataset_id: str, object_id: str) -> CatalogObject | None:
        record = self._get(keys.catalog_object(dataset_id, object_id))
        return record if isinstance(record, CatalogObject) else None

    def organization(self, partner_id: str, organization_id: str) -> Organization | None:
        record = self._get(keys.organization(partner_id, organization_id))
        return record if isinstance(record, Organization) else None

    def partner(self, partner_id: str) -> Partner:
        record = self._get(keys.partner(partner_id))
        return record if isinstance(record, Partner) else Partner(partner_id, {})

    def charge(self, mark: Key) -> Charge | None:
        """The charge of an event that was accepted before, by its mark."""
        if mark in self._charges:
            return self._charges[mark]
        return charge_from(self.items[mark]) if mark in self.items else None

    def set(self, record: Revised) -> None:
        key = _key_of(record)
        if record != self._get(key):
            self._changed[key] = record

    def set_charge(self, mark: Key, charge: Charge) -> None:
        self._charges[mark] = charge

    def add(self, key: Key, attributes: Mapping[str, Any]) -> None:
        """An item that never changes; the mark of its event is what keeps it from coming twice."""
        self._new[key] = attributes

    def post(self, entry: LedgerEntry) -> None:
        """A ledger entry, and the registers that lead to its month."""
        self.add(entry_key(entry), entry_attributes(entry))
        period, currency, tenant_id = entry.period, entry.posting.currency, entry.tenant_id
        of_tenant = {"tenant_id": tenant_id, "currency": currency}
        self.registers[keys.period(period)] = {"period": period}
        if entry.side is EntrySide.DEBIT:
            self.registers[keys.period_buyer(period, tenant_id)] = of_tenant
        else:
            self.registers[keys.period_provider(period, tenant_id, currency)] = of_tenant

    def enters(self, usage: UsageRecorded) -> bool:
        """Whether there is a sum already that the usage goes into."""
        return (usage.partner_id, usage.day) in self._usage

    def use(self, usage: UsageRecorded, entry_id: str) -> None:
        """Enter usage into the sum of its partner's day; `entry_id` names the event."""
        of = usage.partner_id, usage.day
        before = self._usage.get(of) or UsageEntry(*of, entry_id, Usage())
        self._usage[of] = replace(before, usage=usage_sum([before.usage, usage.usage]))

    def import_into(self, period: Period, provider_id: str, currency: str) -> bool:
        """Count history into a provider's ended month; False if its statement is made."""
        register = keys.period_provider(period, provider_id, currency)
        if "closed" in self.items.get(register, {}):
            return False
        self._imports[register] = {"tenant_id": provider_id, "currency": currency}
        return True

    def rewrites(self, mark: Key) -> bool:
        """Whether the changes hold a refund of the charge with this mark."""
        return mark in self._charges

    def is_newly_deleted(self, dataset_id: str) -> bool:
        """Whether the changes hold a deletion that the dataset did not have when it was read."""
        key = keys.dataset(dataset_id)
        changed = self._changed.get(key)
        before = catalog_record_from(self.items[key]) if key in self.items else None
        known = before.deleted if isinstance(before, Dataset) else None
        return isinstance(changed, Dataset) and changed.deleted != known

    @property
    def writes(self) -> int:
        """How many actions it takes to write the changes."""
        new = [record for key, record in self._changed.items() if key not in self.items]
        beside = sum(isinstance(record, Dataset) for record in new)
        beside += sum(isinstance(record, Organization) for record in self._changed.values())
        of_events = len(self._charges) + len(self._new) + len(self._imports) + len(self._usage)
        return len(self._changed) + beside + of_events

    def actions(self, table: Table) -> list[Action]:
        """Each changed record whole, on condition that it is still at the revision that was read,
        and what leads to it: a new dataset in its owner's partition, an organization in the list.
        """
        actions = []
        for key, record in self._changed.items():
            revision = self.items[key]["revision"] if key in self.items else 0
            attributes = _attributes_of(record) | {"revision": revision + 1}
            if revision:
                condition = "revision = :revision"
                actions.append(table.put(key, attributes, condition, revision=revision))
            else:
                actions.append(table.put_new(key, attributes))
            match record:
                case Dataset() if not revision:
                    owned = keys.tenant_dataset(record.tenant_id, record.dataset_id)
                    actions.append(table.put_new(owned, {"dataset_id": record.dataset_id}))
                case Organization(alive=alive):
                    listed = keys.listed_organization(record.partner_id, record.organization_id)
                    listing = listing_attributes(record.profile)
                    actions.append(table.put(listed, listing) if alive else table.delete(listed))
        for mark, charge in self._charges.items():
            read = self.items[mark]
            after = dict(read) | charge_attributes(charge)
            actions.append(table.put(mark, after, "parts = :read", read=read["parts"]))
        actions += [table.put_new(key, dict(fields)) for key, fields in self._new.items()]
        for entry in self._usage.values():
            actions.append(table.put_new(usage_key(entry), usage_attributes(entry)))
        for key, fields in self._imports.items():
            # A statement is made on condition that nothing was imported since it was computed.
            clauses = "ADD imports :one SET tenant_id = :tenant_id, currency = :currency"
            closed = "attribute_not_exists(closed)"
            actions.append(table.update(key, clauses, closed, one=1, **fields))
        return actions

    def _get(self, key: Key) -> Revised | None:
        if key in self._changed:
            return self._changed[key]
        return _record_from(self.items[key]) if key in self.items else None


def _key_of(record: Revised) -> Key:
    match record:
        case Organization():
            return keys.organization(record.partner_id, record.organization_id)
        case Partner():
            return keys.partner(record.partner_id)
        case _:
            return key_of_record(record)


def _attributes_of(record: Revised) -> dict[str, Any]:
    match record:
        case Organization():
            return organization_attributes(record)
        case Partner():
            return partner_attributes(record)
        case _:
            return attributes_of(record)


def _record_from(item: Mapping[str, Any]) -> Revised:
    if item["SK"].startswith(keys.ORGANIZATION_PREFIX):
        return organization_from(item)
    if item["SK"] == keys.PARTNER_SK:
        return partner_from(item)
    return catalog_record_from(item)
