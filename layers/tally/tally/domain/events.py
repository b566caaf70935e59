"""An event as Tally understood it, whichever door it came through."""

from __future__ import annotations

from dataclasses import dataclass

from tally.domain.billing import PartnerConfigured
from tally.domain.catalog import DatasetEvent, ObjectEvent
from tally.domain.charges import ChargeRefunded, DatasetAccessed, SearchPerformed
from tally.domain.errors import TallyError
from tally.domain.instants import Instant
from tally.domain.organizations import OrganizationEvent
from tally.domain.usage import UsageRecorded

type Charging = SearchPerformed | DatasetAccessed

type PartnerFact = PartnerConfigured | OrganizationEvent | UsageRecorded

type Fact = DatasetEvent | ObjectEvent | Charging | ChargeRefunded | PartnerFact


@dataclass(frozen=True, slots=True)
class Event:
    """(`source`, `event_id`) is its identity; `content` a hash of all that Tally understood."""

    source: str
    event_id: str
    type: str
    time: Instant
    content: str
    fact: Fact

    @property
    def identity(self) -> tuple[str, str]:
        return self.source, self.event_id


class Rejected(TallyError):
    """The event cannot be accepted as things are; it may be sent again under the same id."""


class InvalidEvent(Rejected):
    code = "invalid_event"


class UnknownTenant(Rejected):
    code = "unknown_tenant"


class UnknownDataset(Rejected):
    code = "unknown_dataset"


class UnknownOrganization(Rejected):
    code = "unknown_organization"


class EventConflict(Rejected):
    code = "event_conflict"


class UnknownCharge(Rejected):
    code = "unknown_charge"


class CurrencyMismatch(Rejected):
    code = "currency_mismatch"


class RefundExceedsCharge(Rejected):
    code = "refund_exceeds_charge"


class NotPermitted(Rejected):
    """The sender may not say this, whoever it is about."""

    code = "not_permitted"
